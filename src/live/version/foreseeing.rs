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
        let known = self.ailing.known(|state| state.vitals.clone());
        known.unwrap_or_default().on(event, policy, "", now)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::transition::Who;
    use crate::domain::vitals::Word;

    #[test]
    fn a_doubted_word_and_one_about_the_dead_would_take_nothing_out() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let live = VersionLive::new(Uuid::nil(), &Health::Active, None);
        let policy = HealthPolicy::default();
        let word = |by, is_doubted| {
            Event::Rejected(Word {
                by: Uuid::from_u128(by),
                is_canary: false,
                is_doubted,
            })
        };
        assert_eq!(live.foreseen(word(1, true), &policy, at(1)), None);
        let first = live.foreseen(word(1, false), &policy, at(1));
        assert!(first.is_some() && live.health(at(1)) == Health::Active);
        for caller in [1, 2] {
            let who = Who::Caller(Uuid::from_u128(caller));
            live.on(word(caller, false), &policy, "401", who, at(1));
        }
        // Two have said so: whatever is said late adds nothing.
        assert_eq!(live.foreseen(word(3, false), &policy, at(9_000)), None);
    }
}
