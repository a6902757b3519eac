//! Versions that this replica is asked about and does not know: their rows, or their keys', are not what was written. What it gave of them
//! before it cannot say, but no lease lasts for ever.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::time::BootTime;

/// Since when it has been asked about each.
#[derive(Debug, Default)]
pub struct Unknown(Mutex<HashMap<Uuid, BootTime>>);

impl Unknown {
    /// How much longer a lease of each may be out; none where the longest is over. Those that it is asked about no more are forgotten.
    pub fn left(&self, asked: Vec<Uuid>, now: BootTime) -> Vec<(Uuid, Option<Duration>)> {
        let mut since = self.0.lock();
        let known = std::mem::take(&mut *since);
        let still = asked
            .into_iter()
            .map(|uid| (uid, *known.get(&uid).unwrap_or(&now)));
        *since = still.collect();
        let left = since.iter().map(|(uid, since)| {
            let left = LEASE_DURATION_MAX.saturating_sub(now.since(*since));
            (*uid, Some(left).filter(|left| !left.is_zero()))
        });
        left.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_out_for_as_long_as_a_lease_may_be() {
        let (unknown, uid) = (Unknown::default(), Uuid::from_u128(1));
        let began = BootTime::from_nanos(5);
        let hour = Duration::from_hours(1);
        let left = |after| unknown.left(vec![uid], began.after(after))[0].1;
        assert_eq!(left(Duration::ZERO), Some(LEASE_DURATION_MAX));
        assert_eq!(left(hour), Some(LEASE_DURATION_MAX - hour));
        assert_eq!(left(LEASE_DURATION_MAX), None);
        // Asked again after it was known for a while, it begins anew.
        unknown.left(vec![], began.after(LEASE_DURATION_MAX));
        assert_eq!(left(LEASE_DURATION_MAX), Some(LEASE_DURATION_MAX));
    }
}
