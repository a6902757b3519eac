//! Units that are leased of a budget and not reported yet, by when their leases end. Whoever has said nothing by then says nothing any more:
//! what it used the provider has counted, and what it did not will not be used.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::time::Timestamp;

/// Ends are rounded up by about such a part of how long a lease lasts, so that there are a few hundred at most, however many leases are out.
const PARTS: u64 = 32;

/// When a lease was given, and how long it may be reported.
#[derive(Debug, Clone, Copy)]
pub struct Lent {
    /// When.
    pub given: Timestamp,
    /// For how long.
    pub within: Duration,
}

/// Units that are leased and not reported yet.
#[derive(Debug, Default)]
pub(super) struct Open(BTreeMap<u64, u64>);

impl Lent {
    /// The second by which it has ended.
    fn ends(self) -> u64 {
        let step = (self.within.as_secs() / PARTS).next_power_of_two();
        let ends = self.given.after(self.within).micros().max(0);
        let seconds = ends.unsigned_abs().div_ceil(1_000_000);
        seconds.div_ceil(step).saturating_mul(step)
    }
}

impl Open {
    /// So many units are leased.
    pub(super) fn lease(&mut self, units: u64, lent: Lent) {
        let open = self.0.entry(lent.ends()).or_default();
        *open = open.saturating_add(units);
    }

    /// So many are reported. Of a lease that has ended, and was renewed, they are open no more.
    pub(super) fn report(&mut self, units: u64, lent: Lent) {
        if let Some(open) = self.0.get_mut(&lent.ends()) {
            *open = open.saturating_sub(units);
        }
    }

    /// How many are open.
    pub(super) fn units(&mut self, now: Timestamp) -> u64 {
        let seconds = now.micros().max(0).unsigned_abs() / 1_000_000;
        self.0.retain(|ends, units| *ends > seconds && *units > 0);
        let units = self.0.values();
        units.fold(0, |all, units| all.saturating_add(*units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lent(given: u64, within: u64) -> Lent {
        Lent {
            given: at(given),
            within: Duration::from_secs(within),
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(i64::try_from(seconds).unwrap() * 1_000_000)
    }

    #[test]
    fn what_is_never_reported_is_open_until_its_lease_has_ended() {
        let mut open = Open::default();
        open.lease(3, lent(1_000, 600));
        open.lease(5, lent(1_001, 60));
        open.report(1, lent(1_000, 600));
        assert_eq!(open.units(at(1_060)), 7);
        assert_eq!(open.units(at(1_062)), 2);
        assert_eq!(open.units(at(1_599)), 2);
        assert_eq!(open.units(at(1_600 + 32)), 0);
        open.report(9, lent(1_000, 600));
        assert_eq!(open.units(at(2_000)), 0);
    }

    #[test]
    fn leases_without_end_and_of_all_lengths_fill_no_memory() {
        let mut open = Open::default();
        for given in 0..86_400 {
            let within = 1 << (given % 17);
            open.lease(1, lent(given, within.min(86_400)));
            open.units(at(given));
        }
        assert!(open.0.len() < 800, "{}", open.0.len());
    }
}
