//! Whose words against keys turned out to be wrong, as this replica has seen it.

use std::time::Duration;

use uuid::Uuid;

use super::Live;
use super::snapshot::Snapshot;
use crate::domain::accusers::Matter;
use crate::domain::time::Timestamp;

/// A caller's word against a version that was found well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refuted {
    /// Which version.
    pub version: Uuid,
    /// Whose word it was.
    pub accuser: Uuid,
    /// What it was about.
    pub matter: Matter,
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
            let mut accusers = self.accusers.lock();
            accusers.refuted(word.accuser, word.matter, now);
        }
    }

    /// A budget that this caller alone said was spent was not.
    pub fn refuted_budget(&self, accuser: Uuid) {
        let now = self.now().database;
        self.accusers.lock().refuted(accuser, Matter::Budget, now);
    }

    /// Whether a refuted word says anything of its caller. Where a pool is braked, and not by its own words alone, everybody
    /// was told the same by the provider; and an accuser lets others try first for a while only, so that what is well later may have been found so by itself.
    fn is_wrong(&self, snapshot: &Snapshot, word: &Refuted, now: Timestamp) -> bool {
        let Some(version) = snapshot.versions.get(&word.version) else {
            return false;
        };
        let mut pools = snapshot.pools.values().filter(|p| p.serves(version));
        pools.all(|pool| {
            let patience = pool.pool.health_policy.accuser_patience();
            let is_braked = self.brakes.is_shared(pool.pool.meta.uid, word.accuser, now);
            !is_braked && word.after.is_none_or(|after| after < patience)
        })
    }

    /// Whether a caller has been wrong so often lately of such a matter that its word alone acts on itself alone.
    #[must_use]
    pub fn is_doubted(&self, caller: Uuid, matter: Matter, now: Timestamp) -> bool {
        self.accusers.lock().is_doubted(caller, matter, now)
    }
}
