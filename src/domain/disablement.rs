//! A person's word that something must not be used. Sticky: no recovery undoes it, only its own end or a person.

use super::time::Timestamp;

/// The longest reason, in bytes.
pub const WHY_BYTES_MAX: usize = 512;

/// Why, since when, until when and by whom something is disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disablement {
    /// For the people who come later.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// The caller, by resource name.
    pub by: String,
}

impl Disablement {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What is left of a disablement at `now`: nothing once it has ended.
#[must_use]
pub fn in_force(disablement: Option<Disablement>, now: Timestamp) -> Option<Disablement> {
    disablement.filter(|word| word.holds(now))
}

/// Whether an optional disablement holds at `now`.
#[must_use]
pub fn is_disabled(disablement: Option<&Disablement>, now: Timestamp) -> bool {
    disablement.is_some_and(|d| d.holds(now))
}
