//! Whose words against keys turned out to be wrong, as this replica has seen it.

use std::time::Duration;

use uuid::Uuid;

use super::Live;
use super::snapshot::Snapshot;
use crate::domain::time::Timestamp;

/// A caller's word against a version that was found well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refuted {
    /// Which version.
    pub version: Uuid,
    /// Whose word it was.
    pub accuser: Uuid,
    /// Where nobody here knows whose canary found it well: how long after its quarantine that was.
    pub after: Option<Duration>,
}

impl Live {
    /// What these words were against was found well.
    pub fn refuted(&self, words: impl IntoIterator<Item = Refuted>) {
        let mut words = words.into_iter().peekable();
        // As nearly always: every report that succeeds comes by here.
        if words.peek().is_none() {
            return;
        }
        let (now, snapshot) = (self.now().database, self.snapshot());
        for word in words.filter(|word| self.is_wrong(&snapshot, word, now)) {
            self.accusers.lock().refuted(word.accuser, now);
        }
    }

    /// A budget that this caller alone said was spent was not.
    pub fn refuted_budget(&self, accuser: Uuid) {
        let now = self.now().database;
        self.accusers.lock().refuted(accuser, now);
    }

    /// Whether a refuted word says anything of its caller. Where a pool is braked everybody was told the same by the provider; and an
    /// accuser lets others try first for a while only, so that what is well later may have been found so by itself.
    fn is_wrong(&self, snapshot: &Snapshot, word: &Refuted, now: Timestamp) -> bool {
        let Some(version) = snapshot.versions.get(&word.version) else {
            return false;
        };
        let mut pools = snapshot.pools.values().filter(|p| p.serves(version));
        pools.all(|pool| {
            let patience = pool.pool.health_policy.accuser_patience();
            let is_braked = self.brakes.pause(pool.pool.meta.uid, now).is_some();
            !is_braked && word.after.is_none_or(|after| after < patience)
        })
    }

    /// Whether a caller has been wrong so often lately that its word alone takes a key from itself alone.
    #[must_use]
    pub fn is_doubted(&self, caller: Uuid, now: Timestamp) -> bool {
        self.accusers.lock().is_doubted(caller, now)
    }
}
