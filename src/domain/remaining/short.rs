//! A budget of which too little is left: by whose word, and what that comes to.

use uuid::Uuid;

use super::Lacking;
use crate::domain::classify::Spent;
use crate::domain::cooling::Weight;
use crate::domain::health::Cause;
use crate::domain::time::Timestamp;

/// Who says what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The caller.
    pub caller: Uuid,
    /// What its word is worth; `None` where it is doubted, and binds that caller alone.
    pub weight: Option<Weight>,
    /// The model that it used.
    pub model: String,
}

/// A budget of which too little is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// The model, or what stands for it; empty where the budget is of the whole account.
    pub place: String,
    /// Who said what was left.
    pub word: Word,
    /// What that comes to.
    pub spent: Spent,
    /// In our own words.
    pub why: String,
    /// It comes back bit by bit: who waits has to be left what comes, or smaller needs would take it for ever. Of other budgets all comes
    /// back at one time, and what is left until then is lost to whom it is too little for.
    pub is_steady: bool,
}

impl Word {
    /// Whom alone it binds.
    #[must_use]
    pub fn bound(&self) -> Option<Uuid> {
        self.weight.is_none().then_some(self.caller)
    }
}

impl Short {
    /// What it is that is lacking.
    #[must_use]
    pub fn lacking(&self) -> Lacking {
        Lacking {
            place: self.place.clone(),
            bound: self.word.bound(),
        }
    }

    /// The cooldown that it comes to.
    #[must_use]
    pub fn cause(&self, now: Timestamp) -> Cause {
        let until = now.after(self.spent.wait);
        Cause::new(until, self.spent.class, self.why.clone())
    }
}
