//! Leases that this replica knows to go on beyond what their ids say. The database knows all of them.

use std::collections::HashMap;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::time::Timestamp;

/// The most that are remembered: those beyond are looked up.
const RENEWALS_MAX: usize = 100_000;

/// Leases that go on, by issuer and number.
#[derive(Debug, Default)]
pub struct Renewals {
    until: Mutex<HashMap<(Uuid, u64), Timestamp>>,
}

impl Renewals {
    /// A lease goes on until then. News of an earlier renewal change nothing.
    pub fn note(&self, issuer: Uuid, serial: u64, until: Timestamp, now: Timestamp) {
        let mut known = self.until.lock();
        if known.len() >= RENEWALS_MAX {
            known.retain(|_, until| now <= *until);
        }
        if known.len() < RENEWALS_MAX {
            let kept = known.entry((issuer, serial)).or_insert(until);
            *kept = until.max(*kept);
        }
    }

    /// Until when a lease goes on, if it is known to.
    #[must_use]
    pub fn until(&self, issuer: Uuid, serial: u64) -> Option<Timestamp> {
        self.until.lock().get(&(issuer, serial)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_makes_room() {
        let (renewals, boot) = (Renewals::default(), Uuid::from_u128(1));
        let at = Timestamp::from_micros;
        for serial in 0..RENEWALS_MAX as u64 {
            renewals.note(boot, serial, at(10), at(0));
        }
        renewals.note(boot, u64::MAX, at(30), at(9));
        assert_eq!(renewals.until(boot, u64::MAX), None);
        renewals.note(boot, u64::MAX, at(30), at(20));
        renewals.note(boot, u64::MAX, at(25), at(20));
        assert_eq!(renewals.until(boot, u64::MAX), Some(at(30)));
        assert_eq!(renewals.until(boot, 0), None);
    }
}
