//! That a version is dead no more, and what comes late then.

use super::{State, VersionLive};
use crate::domain::health::Health;
use crate::domain::time::Timestamp;
use crate::live::accusing::Refuted;

impl VersionLive {
    /// A person, or another replica, says how it is, as read then: see [`Self::told`].
    pub fn told_at(
        &self,
        health: &Health,
        recovered: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Refuted> {
        let is_dead = || matches!(self.health(now), Health::Dead(_));
        let was_dead = is_dead();
        let refuted = self.told(health, recovered);
        if was_dead && !is_dead() {
            self.ailing.befallen(|state| state.revived = Some(now));
        }
        refuted
    }

    /// Whether it was found well, or cleared, after that: what a lease that was given then has met says nothing of how it is now.
    #[must_use]
    pub fn is_well_since(&self, given: Timestamp) -> bool {
        let known = |state: &mut State| state.vitals.recovered().max(state.revived);
        let revived = self.ailing.known(known).flatten();
        revived.is_some_and(|revived| given < revived)
    }
}
