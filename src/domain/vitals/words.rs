//! Words against a version that alone take nobody else's key away: each holds for its own caller, and waits for a second one.

use uuid::Uuid;

use crate::domain::time::Timestamp;

/// The most words of one version that are kept; then the oldest makes room.
const WORDS_MAX: usize = 8;

/// Words against a version, each until its quarantine would have ended.
#[derive(Debug, Clone, Default)]
pub struct Words(Vec<(Uuid, Timestamp)>);

impl Words {
    /// Until when this caller's own word keeps the version from it.
    pub(super) fn of(&self, caller: Uuid, now: Timestamp) -> Option<Timestamp> {
        let mut words = self.0.iter();
        let word = words.find(|(by, until)| *by == caller && now < *until);
        word.map(|(_, until)| *until)
    }

    /// Whether somebody else has said the same lately.
    #[must_use]
    pub fn has_another(&self, caller: Uuid, now: Timestamp) -> bool {
        let mut words = self.0.iter();
        words.any(|(by, until)| *by != caller && now < *until)
    }

    /// One more.
    pub fn note(&mut self, caller: Uuid, until: Timestamp, now: Timestamp) {
        self.0.retain(|(by, until)| *by != caller && now < *until);
        if self.0.len() >= WORDS_MAX {
            self.0.remove(0);
        }
        self.0.push((caller, until));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
