//! What disabling has in common over accounts, keys, pools and callers.

use super::{Result, Work};
use crate::domain::disablement::Disablement;
use crate::domain::field::FieldError;
use crate::domain::time::Timestamp;

/// A person's word: why, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Why, shown to whoever is refused.
    pub why: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl Word {
    /// As it is stored: with who said it, and when.
    pub(super) fn spoken(self, work: &Work<'_>) -> Result<Disablement> {
        if self.until.is_some_and(|until| until <= work.now) {
            let message = "has passed already, choose a later time or leave it unset";
            return Err(FieldError::new("until", message).into());
        }
        Ok(Disablement {
            why: self.why,
            since: work.now,
            until: self.until,
            by: work.caller.name.clone(),
        })
    }
}

/// For the audit.
pub(super) fn word_summary(disablement: Option<&Disablement>) -> String {
    match disablement {
        Some(word) if word.until.is_some() => format!("disabled for a time: {}", word.why),
        Some(word) => format!("disabled: {}", word.why),
        None => "enabled".to_owned(),
    }
}
