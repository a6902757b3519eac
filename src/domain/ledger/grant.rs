//! How many units of a limit one replica is granted.

/// What a replica asks of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    /// What its first waiter needs: granted whole or not at all. At least 1.
    pub need: u64,
    /// What it would like, for demand to come. At least `need`.
    pub want: u64,
    /// What calls lack already, together: no more than `want`.
    pub lacking: u64,
    /// The largest need of those who ask: at least `need`. Nothing is granted for it, but it is told when it could be.
    pub largest: u64,
    /// Who goes without, if it is not granted.
    pub urgency: Urgency,
    /// It is too early for a grant: all that is asked is when there is room.
    pub only_looks: bool,
}

/// Who goes without, if nothing is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Urgency {
    /// Nobody yet: what is at hand runs out soon.
    #[default]
    Ahead,
    /// Nobody any more: a call was refused from memory, and others like it may come.
    Gone,
    /// A call that waits for this answer alone, and is refused.
    Lacking,
    /// A call that waits in line.
    Awaited,
}

impl Urgency {
    /// Somebody waits for the answer at least.
    #[must_use]
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Lacking | Self::Awaited)
    }
}

/// The units to grant: never more than are free, no more than a fair share of them unless the first waiter needs it, and nothing if
/// that need cannot be met. So many are `promised` to a call that was refused: nothing is granted of them for demand to come.
#[must_use]
pub fn grant(ask: Ask, free: u64, promised: u64, live_replicas: u64) -> u64 {
    let need = ask.need.max(1);
    let spare = free.saturating_sub(promised);
    let first = if ask.urgency.is_there() { free } else { spare };
    if first < need || ask.only_looks {
        return 0;
    }
    let fair = |units: u64| units / (2 * live_replicas.max(1));
    let lacking = ask.lacking.min(fair(free));
    need.max(lacking).max(ask.want.min(fair(spare)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ask(need: u64, want: u64) -> Ask {
        Ask {
            need,
            want,
            lacking: 0,
            largest: need,
            urgency: Urgency::Awaited,
            only_looks: false,
        }
    }

    const fn ahead(want: u64) -> Ask {
        Ask {
            urgency: Urgency::Ahead,
            ..ask(1, want)
        }
    }

    #[test]
    fn a_lone_replica_is_granted_half_of_what_is_free() {
        assert_eq!(grant(ask(1, 500), 100, 0, 1), 50);
    }

    #[test]
    fn the_last_unit_can_be_granted() {
        assert_eq!(grant(ask(1, 10), 1, 0, 8), 1);
    }

    #[test]
    fn a_need_is_granted_whole_or_not_at_all() {
        assert_eq!(grant(ask(80, 80), 100, 0, 8), 80);
        assert_eq!(grant(ask(80, 80), 79, 0, 1), 0);
    }

    #[test]
    fn of_what_is_promised_nothing_is_granted_for_demand_to_come() {
        assert_eq!(grant(ask(30, 90), 100, 80, 1), 30);
        assert_eq!(grant(ask(5, 90), 100, 80, 1), 10);
        assert_eq!(grant(ahead(90), 100, 80, 1), 10);
        assert_eq!(grant(ahead(90), 100, 100, 1), 0);
        // Other calls lack some already.
        let lacking = Ask {
            lacking: 40,
            ..ask(5, 90)
        };
        assert_eq!(grant(lacking, 100, 80, 1), 40);
        assert_eq!(grant(lacking, 100, 80, 2), 25);
        assert_eq!(grant(lacking, 100, 0, 1), 50);
    }

    proptest! {
        #[test]
        fn no_grant_passes_what_is_free(
            (need, extra) in (1..10_000_u64, 0..10_000_u64),
            (free, promised, live) in (0..20_000_u64, 0..20_000_u64, 0..20_u64),
        ) {
            let asked = Ask {
                lacking: need + extra / 2,
                ..ask(need, need + extra)
            };
            let granted = grant(asked, free, promised, live);
            prop_assert!(granted <= free);
            prop_assert!(granted == 0 || granted >= need);
            prop_assert!(granted <= need + extra);
            prop_assert_eq!(granted == 0, free < need);
            let granted = grant(ahead(need + extra), free, promised, live);
            prop_assert!(granted <= free.saturating_sub(promised));
        }
    }
}
