//! Leases that this replica knows to go on beyond what their ids say. The database knows all of them.

use std::collections::HashMap;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::time::{BootTime, Timestamp};

/// The most that are remembered: those beyond are looked up.
const RENEWALS_MAX: usize = 100_000;

/// Those that have ended are dropped whenever there are twice as many as were left the last time, and more than this.
const RENEWALS_KEPT: usize = 1_000;

/// Leases that go on, by issuer and number.
#[derive(Debug, Default)]
pub struct Renewals {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    until: HashMap<(Uuid, u64), Until>,
    /// How many were left when those that had ended were dropped last.
    left: usize,
}

/// Until when a lease goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// By the database's clock.
    pub database: Timestamp,
    /// By this replica's, which nobody sets.
    pub boot: BootTime,
}

impl Renewals {
    /// A lease goes on until then. News of an earlier renewal change nothing.
    pub fn note(&self, issuer: Uuid, serial: u64, until: Until, now: Timestamp) {
        let mut known = self.known.lock();
        let full = (known.left * 2).clamp(RENEWALS_KEPT, RENEWALS_MAX);
        if known.until.len() >= full {
            known.until.retain(|_, until| now <= until.database);
            known.left = known.until.len();
        }
        if known.until.len() < RENEWALS_MAX {
            let kept = known.until.entry((issuer, serial)).or_insert(until);
            *kept = Until {
                database: until.database.max(kept.database),
                boot: until.boot.max(kept.boot),
            };
        }
    }

    /// Until when a lease goes on, if it is known to.
    #[must_use]
    pub fn until(&self, issuer: Uuid, serial: u64) -> Option<Until> {
        self.known.lock().until.get(&(issuer, serial)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_makes_room() {
        let (renewals, boot) = (Renewals::default(), Uuid::from_u128(1));
        let until = |seconds: u64| Until {
            database: Timestamp::from_micros(seconds.cast_signed()),
            boot: BootTime::from_nanos(seconds),
        };
        let at = Timestamp::from_micros;
        for serial in 0..RENEWALS_MAX as u64 {
            renewals.note(boot, serial, until(10), at(0));
        }
        renewals.note(boot, u64::MAX, until(30), at(9));
        assert_eq!(renewals.until(boot, u64::MAX), None);
        renewals.note(boot, u64::MAX, until(30), at(20));
        renewals.note(boot, u64::MAX, until(25), at(20));
        assert_eq!(renewals.until(boot, u64::MAX), Some(until(30)));
        assert_eq!(renewals.until(boot, 0), None);
    }
    #[test]
    fn what_has_ended_is_not_kept_until_there_is_no_more_room() {
        let (renewals, boot) = (Renewals::default(), Uuid::from_u128(1));
        for serial in 0..20_000 {
            let now = Timestamp::from_micros(i64::try_from(serial).unwrap());
            let until = Until {
                database: Timestamp::from_micros(now.micros() + 100),
                boot: BootTime::from_nanos(serial),
            };
            renewals.note(boot, serial, until, now);
        }
        assert!(renewals.known.lock().until.len() <= RENEWALS_KEPT);
    }
}
