//! Whose words against keys turned out to be wrong, as this replica has seen it.

use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::Live;
use super::snapshot::Snapshot;
use crate::domain::absolvers::{Absolution, Absolvers};
use crate::domain::accusers::{Accusers, Matter};
use crate::domain::time::Timestamp;

/// Whose words were wrong lately, and who found that out in vain.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    accusers: Mutex<Accusers>,
    absolvers: Mutex<Absolvers>,
}

/// A caller's word against a version that was found well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refuted {
    /// Which version.
    pub version: Uuid,
    /// Whose word it was.
    pub accuser: Uuid,
    /// What it was about.
    pub matter: Matter,
    /// Whose use found it well, where this replica knows.
    pub by: Option<Uuid>,
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
        let counts = |word: &Refuted| {
            let absolution = (word.version, word.matter, word.accuser);
            self.is_wrong(&snapshot, word, now) && self.is_absolved(absolution, word.by, now)
        };
        for word in words.filter(counts) {
            let mut accusers = self.tallies.accusers.lock();
            accusers.refuted(word.accuser, word.matter, now);
        }
    }

    /// A budget that this caller alone said was spent was not, as this caller's use of the account has found where that is known here.
    pub fn refuted_budget(&self, accuser: Uuid, found: Option<(Uuid, Uuid)>) {
        let now = self.now().database;
        let (account, by) = found.unzip();
        let absolution = (account.unwrap_or_default(), Matter::Budget, accuser);
        if self.is_absolved(absolution, by, now) {
            self.tallies
                .accusers
                .lock()
                .refuted(accuser, Matter::Budget, now);
        }
    }

    /// What was counted down from what this caller said is left turned out to be more: no word of it is wrong, but nothing is counted by it
    /// for a while where that goes on.
    pub fn counted_in_vain(&self, by: Uuid, now: Timestamp) {
        let mut accusers = self.tallies.accusers.lock();
        accusers.refuted(by, Matter::Count, now);
    }

    fn is_absolved(
        &self,
        (subject, matter, accuser): (Uuid, Matter, Uuid),
        by: Option<Uuid>,
        now: Timestamp,
    ) -> bool {
        by.is_none_or(|by| {
            let absolution = Absolution {
                subject,
                matter,
                by,
                accuser,
            };
            self.tallies.absolvers.lock().absolved(absolution, now)
        })
    }

    /// A caller whose word counts accuses a version, or an account: whoever has just found it well has done so in vain.
    pub fn contradicts(&self, subject: Uuid, matter: Matter, by: Uuid, now: Timestamp) {
        let about = (subject, matter);
        let in_vain = self.tallies.absolvers.lock().contradicted(about, by, now);
        for accuser in in_vain {
            self.tallies.accusers.lock().take_back(accuser, matter);
        }
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
        self.tallies.accusers.lock().is_doubted(caller, matter, now)
    }
}
