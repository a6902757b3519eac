//! The offline share of a limit as flags.

use clap::Args;

use crate::cli::flags;
use crate::proto::{Limit, OfflineShare};

/// What can be set; a flag that is not given leaves its part alone.
#[derive(Debug, Default, Args)]
pub(super) struct OfflineFlags {
    /// Percent of the amount that replicas serve from while they cannot reach the database, and nobody uses otherwise: 1 to 50
    #[arg(long, value_name = "PERCENT")]
    offline_percent: Option<i32>,
    /// In how many slots: as many replicas can serve from it, each its part [default: 4, at most 64]
    #[arg(long, value_name = "SLOTS")]
    offline_slots: Option<i32>,
    /// How long a replica serves from its slot after it last reached the database: 1s to 1h [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    offline_outage_max: Option<prost_types::Duration>,
}

impl OfflineFlags {
    pub(super) const fn is_given(&self) -> bool {
        self.offline_percent.is_some()
            || self.offline_slots.is_some()
            || self.offline_outage_max.is_some()
    }

    pub(super) fn apply(self, limit: &mut Limit) {
        if !self.is_given() {
            return;
        }
        let share = limit.offline_share.get_or_insert(OfflineShare::default());
        share.percent = self.offline_percent.unwrap_or(share.percent);
        share.slots = self.offline_slots.unwrap_or(share.slots);
        share.outage_max = self.offline_outage_max.or(share.outage_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_not_given_stays() {
        let mut limit = Limit::default();
        OfflineFlags::default().apply(&mut limit);
        assert_eq!(limit.offline_share, None);
        let flags = |percent, slots| OfflineFlags {
            offline_percent: percent,
            offline_slots: slots,
            offline_outage_max: None,
        };
        flags(Some(10), Some(8)).apply(&mut limit);
        flags(Some(20), None).apply(&mut limit);
        let share = limit.offline_share.unwrap();
        assert_eq!((share.percent, share.slots), (20, 8));
    }
}
