//! Replicas that have not been heard of for a while, by this replica's clock: when the database's is set forward, all seem to have been
//! away by that.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::time::BootTime;
use crate::store::replicas::GONE;

/// The most that counts of the time between two looks: whoever was away itself would take all for silent that were away with it.
const BETWEEN_MAX: Duration = Duration::from_secs(4);

/// What was seen of each replica.
#[derive(Debug, Default)]
pub struct Silent(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// How often it had beaten, and for how long that has been so.
    beats: HashMap<Uuid, (i64, Duration)>,
    looked: BootTime,
}

impl Silent {
    /// Those that have said nothing for as long as one takes to be gone, as often as it was looked.
    pub fn look(&self, beats: Vec<(Uuid, i64)>, now: BootTime) -> Vec<Uuid> {
        let mut seen = self.0.lock();
        let between = now.since(seen.looked).min(BETWEEN_MAX);
        let known = std::mem::take(&mut seen.beats);
        seen.looked = now;
        let quiet = |(boot, beats)| {
            let before = known.get(&boot).filter(|(at, _)| *at == beats);
            let quiet = before.map_or(Duration::ZERO, |(_, quiet)| *quiet + between);
            (boot, (beats, quiet))
        };
        seen.beats = beats.into_iter().map(quiet).collect();
        let silent = seen.beats.iter().filter(|(_, (_, quiet))| *quiet >= GONE);
        silent.map(|(boot, _)| *boot).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn whoever_beats_is_not_silent_and_whoever_does_not_is_in_time() {
        let (silent, [one, other]) = (Silent::default(), [1, 2].map(Uuid::from_u128));
        for second in 0..20 {
            let beats = i64::try_from(second).unwrap();
            let found = silent.look(vec![(one, beats), (other, 7)], at(1_000 + second));
            assert_eq!(found.contains(&other), second >= 10, "{second}");
            assert!(!found.contains(&one));
        }
        assert!(silent.look(vec![(other, 8)], at(1_020)).is_empty());
    }

    #[test]
    fn whoever_was_away_itself_takes_nobody_for_silent_at_once() {
        let (silent, other) = (Silent::default(), Uuid::from_u128(2));
        for seconds in [1_000, 1_100, 1_200] {
            assert!(silent.look(vec![(other, 7)], at(seconds)).is_empty());
        }
        // However rarely it looks.
        assert_eq!(silent.look(vec![(other, 7)], at(1_300)), [other]);
    }
}
