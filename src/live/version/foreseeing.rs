//! What an event would make of a version, before it does.

use super::VersionLive;
use crate::domain::health::Health;
use crate::domain::pool::HealthPolicy;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Event;

impl VersionLive {
    /// What an outcome would make of its health, if anything new; nothing is changed.
    #[must_use]
    pub fn foreseen(
        &self,
        event: Event<'_>,
        policy: &HealthPolicy,
        now: Timestamp,
    ) -> Option<Health> {
        let mut vitals = self.state.lock().vitals.clone();
        vitals.on(event, policy, "", now)
    }
}
