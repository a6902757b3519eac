//! What rests of an account since too little is said to be left of a budget, and the calls that wait for that. Only this replica's leases
//! are counted, so only this replica rests: the others hear for themselves what is left, and a rest of theirs could not be lifted from here.

use uuid::Uuid;

use super::own::Own;
use crate::domain::cooling::{AccountCooldowns, Failing};
use crate::domain::health::{Cause, FailureClass};
use crate::domain::ledger::held::Ticket;
use crate::domain::ledger::work::PAUSE;
use crate::domain::remaining::{Lacking, Leasing, Lines, Remainders, Short};
use crate::domain::time::Timestamp;
use crate::live::version::Applicant;

/// What is left of an account's budgets, and what rests for lack of that: for all, or for the caller alone who says so. These rests are
/// apart from other cooldowns, since an answer that says more lifts them, and never a 429.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) remainders: Remainders,
    rests: AccountCooldowns,
    own: Own,
    /// Who waits for that.
    pub(super) lines: Lines,
}

/// Too little is left for a call, or others go first.
#[derive(Debug)]
pub(super) struct Lack {
    /// Of what.
    pub(super) lacking: Lacking,
    /// As a cooldown, until then.
    pub(super) cause: Cause,
    /// What lacks, where nothing rests for it yet.
    pub(super) short: Option<Box<Short>>,
    /// Others need less than is left, and go before.
    pub(super) yields: bool,
}

impl Lack {
    /// It rests for that, or others go first.
    const fn new(lacking: Lacking, cause: Cause) -> Self {
        Self {
            lacking,
            cause,
            short: None,
            yields: false,
        }
    }
}

impl Counted {
    /// Nothing is said, rests or is waited for: no call need ask.
    pub(super) fn is_idle(&self) -> bool {
        self.remainders.is_empty()
            && self.rests.count() == 0
            && self.own.is_empty()
            && self.lines.is_empty()
    }

    /// For how many uses enough is left for a call with this place in line. Nothing begins to rest by it.
    pub(super) fn offer(
        &self,
        places: [&str; 2],
        (applicant, ticket): (Applicant, Option<Ticket>),
        leasing: Leasing,
        now: Timestamp,
    ) -> Result<u64, Box<Lack>> {
        if let Some(rest) = self.bars(places, applicant, now) {
            return Err(Box::new(rest));
        }
        let lack = |short: Box<Short>| {
            let lack = Lack::new(short.lacking(), short.cause(now));
            Lack {
                short: Some(short),
                ..lack
            }
        };
        let offered = self.remainders.offer(places, leasing, now);
        let uses = offered.map_err(|short| Box::new(lack(short)))?;
        match self.lines.holds_up(places, applicant.caller, ticket) {
            Some(lacking) => Err(Box::new(behind(lacking.clone(), now))),
            None => Ok(uses),
        }
    }

    /// Until when these rest for everybody.
    pub(super) fn of<'a>(
        &'a self,
        places: [&'a str; 2],
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Cause> {
        let causes = places.map(|place| self.rests.of(place, now));
        causes.into_iter().flatten()
    }

    /// What rests longest for a caller, unless that may find out whether it does so rightly.
    pub(super) fn bars(
        &self,
        places: [&str; 2],
        applicant: Applicant,
        now: Timestamp,
    ) -> Option<Lack> {
        let Applicant { caller, patience } = applicant;
        let lack = |place: &str, bound, cause: &Cause| {
            let place = place.to_owned();
            Lack::new(Lacking { place, bound }, cause.clone().told(now))
        };
        let rests = places.into_iter().filter_map(|place| {
            let cause = self.rests.bars(place, caller, patience, now)?;
            Some(lack(place, None, cause))
        });
        let own = places.into_iter().filter_map(|place| {
            let cause = self.own.bars([place, place], caller, now)?;
            Some(lack(place, Some(caller), cause))
        });
        rests.chain(own).max_by_key(|lack| lack.cause.until)
    }

    pub(super) fn is_alleged(&self) -> bool {
        self.rests.is_alleged() || !self.own.is_empty()
    }

    pub(super) fn is_tried(&mut self, places: [&str; 2], now: Timestamp) -> bool {
        self.rests.is_tried(places, now)
    }

    pub(super) fn is_untried(&mut self, places: [&str; 2], now: Timestamp) {
        self.rests.is_untried(places, now);
    }

    pub(super) fn succeed(&mut self, model: &str, now: Timestamp) {
        self.rests.succeed(model, now);
        self.own.forget(now);
    }

    /// As for other cooldowns, but nobody is wrong by it, since it was counted here; and what was spent so is counted no more. Answers by
    /// whose word that was.
    pub(super) fn refute(
        &mut self,
        models: [&str; 2],
        found: (Uuid, Timestamp, Option<Uuid>),
        now: Timestamp,
    ) -> Option<Uuid> {
        let rested = models.map(|model| self.rests.of(model, now).is_some());
        self.rests.refute(models, found, now);
        let mut in_vain = None;
        for (model, rested) in models.into_iter().zip(rested) {
            if rested && self.rests.of(model, now).is_none() {
                let by = self.remainders.forget_spent(model, now);
                in_vain = in_vain.or(by);
            }
        }
        in_vain
    }

    /// Too little is left of a budget: it rests as if nothing were said to be left.
    pub(super) fn rest(&mut self, short: &Short, now: Timestamp) {
        let Short {
            place,
            word,
            spent,
            why,
            ..
        } = short;
        if let Some(weight) = word.weight {
            let word = (word.caller, weight.inferred());
            self.rests.spend(word, place, *spent, why, now);
            return;
        }
        let failing = Failing {
            class: spent.class,
            stated: Some(spent.wait),
            why,
        };
        self.own.blame(word.caller, place, failing, now);
    }

    /// There is more left again of a budget of this place, be it for one caller alone: what rests there is what is spent still.
    pub(super) fn lift(&mut self, place: &str, bound: Option<Uuid>, now: Timestamp) {
        self.own.lift(bound, place);
        if bound.is_none() {
            self.rests.lift(place, now);
        }
        for short in self.remainders.spent([place, place], now) {
            self.rest(&short, now);
        }
    }
}

/// Enough is left, but somebody who came before is about to take it.
fn behind(lacking: Lacking, now: Timestamp) -> Lack {
    let why = "rate_limit (others wait for what is left, by its headers)".to_owned();
    let cause = Cause::new(now.after(PAUSE), FailureClass::RateLimit, why);
    Lack::new(lacking, cause)
}
