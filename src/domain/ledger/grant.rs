//! How many units of a limit one replica is granted.

/// What a replica asks of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// What its first waiter needs: granted whole or not at all. At least 1.
    pub need: u64,
    /// What it would like, for demand to come. At least `need`.
    pub want: u64,
    /// The largest need of those who ask: at least `need`. Nothing is granted for it, but it is told when it could be.
    pub largest: u64,
    /// Somebody waits in line for it, rather than for demand to come.
    pub is_awaited: bool,
    /// It is too early for a grant: all that is asked is when there is room.
    pub only_looks: bool,
}

/// The units to grant: never more than are free, no more than a fair share of them unless the first waiter needs it, and nothing if
/// that need cannot be met.
#[must_use]
pub fn grant(ask: Ask, free: u64, live_replicas: u64) -> u64 {
    let need = ask.need.max(1);
    if free < need || ask.only_looks {
        return 0;
    }
    let fair = (free / (2 * live_replicas.max(1))).max(1);
    need.max(ask.want.min(fair))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ask(need: u64, want: u64) -> Ask {
        Ask {
            need,
            want,
            largest: need,
            is_awaited: true,
            only_looks: false,
        }
    }

    #[test]
    fn a_lone_replica_is_granted_half_of_what_is_free() {
        assert_eq!(grant(ask(1, 500), 100, 1), 50);
    }

    #[test]
    fn the_last_unit_can_be_granted() {
        assert_eq!(grant(ask(1, 10), 1, 8), 1);
    }

    #[test]
    fn a_need_is_granted_whole_or_not_at_all() {
        assert_eq!(grant(ask(80, 80), 100, 8), 80);
        assert_eq!(grant(ask(80, 80), 79, 1), 0);
    }

    proptest! {
        #[test]
        fn no_grant_passes_what_is_free(need in 1..10_000_u64, extra in 0..10_000_u64, free in 0..20_000_u64, live in 0..20_u64) {
            let granted = grant(ask(need, need + extra), free, live);
            prop_assert!(granted <= free);
            prop_assert!(granted == 0 || granted >= need);
            prop_assert!(granted <= need + extra);
            prop_assert_eq!(granted == 0, free < need);
        }
    }
}
