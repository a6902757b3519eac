//! Versions that a caller's word has taken out before anybody knew that a pool wants them probed.

use uuid::Uuid;

use super::Probes;
use super::schedule::{Schedule, is_wanted};

/// The most suspects of one round that are looked for in the pools: others are probed when they are due.
const LOOKED_UP_MAX: usize = 64;

impl Probes {
    /// Those that are in the schedule. It is looked at every few seconds: what a pool wants probed since then is kept for that.
    pub(super) fn suspects(&self, schedule: &Schedule) -> Vec<Uuid> {
        let live = self.vault.live();
        let suspects = live.suspects.take().into_iter();
        let is_scheduled = |uid: &Uuid| schedule.interval(*uid).is_some();
        let (suspects, others): (Vec<_>, Vec<_>) = suspects.partition(is_scheduled);
        let snapshot = live.snapshot();
        if schedule.is_behind(snapshot.rev) {
            let wanted = others.iter().take(LOOKED_UP_MAX);
            let wanted = wanted.filter(|uid| is_wanted(&snapshot, **uid));
            wanted.for_each(|uid| live.suspects.keep(*uid));
        }
        suspects
    }
}
