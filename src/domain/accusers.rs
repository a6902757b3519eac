//! Callers whose words against keys were refuted: how much their next one is worth.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::bounded::make_room;
use super::health::FailureClass;
use super::time::Timestamp;

/// So many refuted accusations make a caller doubted: one may be a mistake of its provider.
const REFUTED_MAX: usize = 2;
/// How long a refuted accusation is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);
/// The most callers that are remembered; then the one makes room whose last was refuted the longest ago.
const ACCUSERS_MAX: usize = 1_024;

/// What a word is about. Who is wrong of one may well be right of another: each has a tally of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Matter {
    /// That a key is no good.
    Key,
    /// That a key fails in a row.
    Row,
    /// That a budget is spent.
    Budget,
    /// No word at all, but what was counted down here from what a caller said is left.
    Count,
}

impl Matter {
    /// What a word about a version is about, by what it is accused of.
    #[must_use]
    pub fn of(class: FailureClass) -> Self {
        match class {
            FailureClass::Credential => Self::Key,
            FailureClass::Quota | FailureClass::RateLimit | FailureClass::ModelAccess => {
                Self::Budget
            }
            FailureClass::CallerFault
            | FailureClass::ProviderFault
            | FailureClass::RegionOrEgress
            | FailureClass::Unknown => Self::Row,
        }
    }
}

/// Callers whose words were refuted lately.
#[derive(Debug, Default)]
pub struct Accusers(HashMap<(Uuid, Matter), [Timestamp; REFUTED_MAX]>);

impl Accusers {
    /// What a caller accused was found well.
    pub fn refuted(&mut self, caller: Uuid, matter: Matter, now: Timestamp) {
        let tally = (caller, matter);
        make_room(&mut self.0, &tally, ACCUSERS_MAX, |times| times[0]);
        let times = self.0.entry(tally).or_default();
        times.rotate_right(1);
        times[0] = now;
    }

    /// The last refutation of a caller's word was in vain.
    pub fn take_back(&mut self, caller: Uuid, matter: Matter) {
        if let Some(times) = self.0.get_mut(&(caller, matter)) {
            times.rotate_left(1);
            times[REFUTED_MAX - 1] = Timestamp::default();
        }
    }

    /// Whether a caller has been wrong so often lately that its word alone takes a version from itself alone.
    #[must_use]
    pub fn is_doubted(&self, caller: Uuid, matter: Matter, now: Timestamp) -> bool {
        let times = self.0.get(&(caller, matter));
        times.is_some_and(|times| now.since(times[REFUTED_MAX - 1]) < REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    fn caller(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn who_is_refuted_twice_within_an_hour_is_doubted_for_the_rest_of_it() {
        let mut accusers = Accusers::default();
        accusers.refuted(caller(1), Matter::Key, at(0));
        assert!(!accusers.is_doubted(caller(1), Matter::Key, at(1)));
        accusers.refuted(caller(1), Matter::Key, at(60));
        assert!(accusers.is_doubted(caller(1), Matter::Key, at(61)));
        assert!(!accusers.is_doubted(caller(2), Matter::Key, at(61)));
        // Of other matters it is believed as ever.
        assert!(!accusers.is_doubted(caller(1), Matter::Budget, at(61)));
        assert!(!accusers.is_doubted(caller(1), Matter::Row, at(61)));
        assert!(!accusers.is_doubted(caller(1), Matter::Key, at(3_600)));
    }

    #[test]
    fn a_refutation_that_is_taken_back_leaves_those_before_it() {
        let mut accusers = Accusers::default();
        accusers.refuted(caller(1), Matter::Key, at(0));
        accusers.refuted(caller(1), Matter::Key, at(60));
        accusers.take_back(caller(1), Matter::Key);
        assert!(!accusers.is_doubted(caller(1), Matter::Key, at(61)));
        accusers.refuted(caller(1), Matter::Key, at(62));
        assert!(accusers.is_doubted(caller(1), Matter::Key, at(63)));
        accusers.take_back(caller(2), Matter::Key);
    }

    #[test]
    fn no_crowd_makes_a_liar_forgotten_while_it_lies() {
        let mut accusers = Accusers::default();
        for round in 0..10 {
            for other in 0..ACCUSERS_MAX as u128 {
                accusers.refuted(caller(100 + other), Matter::Key, at(round));
            }
            accusers.refuted(caller(1), Matter::Key, at(round));
            accusers.refuted(caller(1), Matter::Key, at(round));
            assert!(accusers.is_doubted(caller(1), Matter::Key, at(round)));
        }
        assert!(accusers.0.len() <= ACCUSERS_MAX);
    }
}
