//! Rotations, and when the next one is due.

mod course;

use std::time::Duration;

pub use course::{AGAIN_FIRST, AGAIN_MAX, Deed, Event, TRIES_TOLD, Tested, Unfit};
use uuid::Uuid;

use super::id::Id;
use super::key::ROTATION_INTERVAL_DEFAULT;
use super::time::{Timestamp, micros_of};

/// How long a previous version is kept at least where nobody says otherwise: a day to see that the new one is good.
pub const GRACE_DEFAULT: Duration = Duration::from_hours(24);
/// The longest that a previous version is kept for the sake of it.
pub const GRACE_MAX: Duration = Duration::from_hours(24 * 90);

/// A replica that takes a step has this long for it: longer than any try takes. One that dies keeps it no longer.
pub const CLAIM_LASTS: Duration = Duration::from_secs(20);

/// The rotator of an account is asked for at most so much in a minute, over the fleet: after a downtime there may be thousands of secrets to
/// revoke. It leaves room beside what begins by itself.
pub const ASKED_A_MINUTE_MAX: i32 = 60;

/// One replacement of a key's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Immutable.
    pub uid: Uuid,
    /// The key.
    pub key_uid: Uuid,
    /// The last segment of its name.
    pub id: Id,
    /// The step it is at.
    pub step: Step,
    /// The version being replaced, unless there was none.
    pub from_number: Option<u32>,
    /// The version that takes over.
    pub to_number: u32,
    /// Why it was started.
    pub reason: String,
    /// When it began.
    pub create_time: Timestamp,
    /// When it last moved.
    pub update_time: Timestamp,
    /// Who makes the new secret.
    pub origin: Origin,
    /// The new version is promoted untried: a person's word.
    pub skips_test: bool,
    /// How long the previous version is kept at least.
    pub grace: Duration,
    /// When it came to the step it is at.
    pub step_time: Timestamp,
    /// Tries of that step.
    pub attempts: u32,
    /// When the next try is due; none while nobody has anything to do.
    pub next_attempt: Option<Timestamp>,
    /// What the last try came to. None of a provider's words.
    pub why: String,
    /// It waits for a person.
    pub is_held: bool,
    /// It was undone by the vault itself.
    pub is_automatic: bool,
    /// Grows with whoever takes the next step: what an earlier one finds changes nothing.
    pub epoch: i64,
}

/// Who makes the new secret of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A person, or a program that calls RotateKey, brings it.
    Operator,
    /// The rotator of the account is asked for it.
    Rotator,
}

/// The steps of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The rotator of the account is asked for a new secret.
    Creating,
    /// The new version is stored and not leased yet.
    Pending,
    /// The new version is tried.
    Testing,
    /// The new version is current; leases of the previous one run out.
    Draining,
    /// The previous version is revoked here; the rotator is to revoke it at the provider.
    Revoking,
    /// The previous version is revoked.
    Done,
    /// Given up; the old version stays.
    Cancelled,
    /// The previous version is current again.
    RolledBack,
}

impl Step {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Creating, "creating"),
        (Self::Pending, "pending"),
        (Self::Testing, "testing"),
        (Self::Draining, "draining"),
        (Self::Revoking, "revoking"),
        (Self::Done, "done"),
        (Self::Cancelled, "cancelled"),
        (Self::RolledBack, "rolled_back"),
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(step, _)| *step == self)
            .map_or("", |(_, name)| name)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(step, _)| *step)
    }
}

impl Origin {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Rotator => "rotator",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        [Self::Operator, Self::Rotator]
            .into_iter()
            .find(|origin| origin.as_str() == name)
    }
}

/// The rotation interval in force: the key's own, else its account's, else the shortest of its pools, else a week.
#[must_use]
pub fn interval_in_force(
    key: Option<Duration>,
    account: Option<Duration>,
    pools: impl IntoIterator<Item = Duration>,
) -> Duration {
    key.or(account)
        .or_else(|| pools.into_iter().min())
        .unwrap_or(ROTATION_INTERVAL_DEFAULT)
}

/// When a rotation begins by itself: within the last tenth of the interval, at a moment that each version has of its own, so that keys
/// that came together are not rotated together, and none is ever overdue where all goes well.
#[must_use]
pub fn begins(version: Uuid, promoted: Timestamp, interval: Duration) -> Timestamp {
    let tenths = micros_of(interval / 10).max(1).unsigned_abs();
    let early = version.as_u64_pair().1 % tenths;
    promoted
        .after(interval)
        .before(Duration::from_micros(early))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_begin_within_the_last_tenth_of_their_intervals_and_not_together() {
        let week = ROTATION_INTERVAL_DEFAULT;
        let promoted = Timestamp::from_micros(1_800_000_000_000_000);
        let begun = |seed: u128| {
            let version = Uuid::from_u128(seed * 0x9e37_79b9_7f4a_7c15_f39c);
            begins(version, promoted, week).since(promoted)
        };
        let mut hours: Vec<u64> = (0..1_000)
            .map(|seed| begun(seed).as_secs() / 3_600)
            .collect();
        assert!(
            hours.iter().all(|hours| (151..=168).contains(hours)),
            "{hours:?}"
        );
        hours.sort_unstable();
        hours.dedup();
        assert!(hours.len() >= 16, "{hours:?}");
    }

    #[test]
    fn the_nearest_interval_wins_and_of_pools_the_shortest() {
        let [hour, day, month] = [1, 24, 720].map(Duration::from_hours);
        assert_eq!(interval_in_force(Some(month), Some(day), [hour]), month);
        assert_eq!(interval_in_force(None, Some(day), [hour]), day);
        assert_eq!(interval_in_force(None, None, [month, day]), day);
        assert_eq!(interval_in_force(None, None, []), ROTATION_INTERVAL_DEFAULT);
    }
}
