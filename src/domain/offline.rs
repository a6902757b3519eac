//! The offline share of a limit: a part of N that the ledger leaves alone, split in slots that replicas serve from while the database
//! cannot be reached.

use std::time::Duration;

use super::field::FieldError;
use super::limit::{Limit, Mode};
use super::terms::{LONG_WINDOW_MIN, Span, Terms};

/// The largest share of N, in percent: whatever it is, it lies idle while the database is well.
pub const PERCENT_MAX: u32 = 50;
/// The most slots, and so the most replicas that can serve while the database is gone.
pub const SLOTS_MAX: u32 = 64;
/// Slots, where a limit does not say.
pub const SLOTS_DEFAULT: u32 = 4;
/// The longest outage served, where a limit does not say.
pub const OUTAGE_MAX_DEFAULT: Duration = Duration::from_mins(5);
/// The shortest that can be asked for: a replica renews its slot once a second.
pub const OUTAGE_MAX_MIN: Duration = Duration::from_secs(1);
/// The longest: a slot whose replica died lies idle for at least as long.
pub const OUTAGE_MAX_MAX: Duration = Duration::from_hours(1);

const FIELD: &str = "limit.offline_share";

/// A part of N for outages of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineShare {
    /// Of N.
    pub percent: u32,
    /// How many replicas may serve from it, each from a slot of its own.
    pub slots: u32,
    /// How long after it last reached the database a replica serves from its slot.
    pub outage_max: Duration,
}

/// What a share comes to: replicas that serve by it, and the ledger that leaves it alone, have to mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// Units of one slot in any window.
    pub slot_units: u64,
    /// How many slots.
    pub slots: u32,
    /// W.
    pub window: Duration,
    /// How long after a replica last reached the database its uses still count: `outage_max` + W + L + eps.
    pub reach: Duration,
}

impl Plan {
    /// Of a limit without a share.
    #[must_use]
    pub fn none(terms: &Terms) -> Self {
        Self {
            window: terms.span.length(),
            ..Self::default()
        }
    }

    /// Of all slots.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.slot_units.saturating_mul(u64::from(self.slots))
    }
}

impl OfflineShare {
    /// What it comes to for a limit of this amount and these times.
    #[must_use]
    pub fn plan(&self, amount: u64, terms: &Terms) -> Plan {
        let divisor = 100 * u64::from(self.slots.max(1));
        let slot_units = u128::from(amount) * u128::from(self.percent) / u128::from(divisor);
        let reach = self.outage_max + window_local(terms);
        // In whole milliseconds, as it is stored and compared.
        let reach_ms = reach.as_nanos().div_ceil(1_000_000);
        Plan {
            slot_units: u64::try_from(slot_units).unwrap_or(u64::MAX),
            slots: self.slots,
            window: terms.span.length(),
            reach: Duration::from_millis(u64::try_from(reach_ms).unwrap_or(u64::MAX)),
        }
    }

    /// Whether a limit can have it.
    ///
    /// # Errors
    /// Names what is wrong with it, and what to do.
    pub fn check(&self, limit: &Limit) -> Result<(), FieldError> {
        let terms = limit.terms();
        let why = match terms.span {
            _ if limit.mode == Mode::Shadow => Some(
                "must be unset where the mode is SHADOW, which refuses nothing, whether the database is there or not; leave it out"
                    .to_owned(),
            ),
            Span::Rolling(window) if window < LONG_WINDOW_MIN => None,
            Span::Rolling(window) => Some(format!(
                "must be unset where the window is {LONG_WINDOW_MIN:?} or longer, and it is {window:?}: a slot is taken over only after a whole \
                 window; leave it out"
            )),
            Span::Calendar(_) => Some(
                "must be unset where the window is a calendar: it is served by the clocks of replicas, which know no midnight; \
                 leave it out, or set limit.rolling"
                    .to_owned(),
            ),
            Span::Held(_) => Some(
                "must be unset where the dimension is CONCURRENCY: what is held comes back by way of the database; leave it out"
                    .to_owned(),
            ),
        };
        if let Some(why) = why {
            return Err(FieldError::new(FIELD, why));
        }
        if self.plan(limit.amount, &terms).slot_units > 0 {
            return Ok(());
        }
        let (percent, slots, amount) = (self.percent, self.slots, limit.amount);
        let least = (100 * u64::from(slots)).div_ceil(u64::from(percent.max(1)));
        Err(FieldError::new(
            FIELD,
            format!(
                "is {percent} % of {amount} in {slots} slots, so that a slot would hold nothing; with these, limit.amount must be at \
                 least {least}; set more percent or fewer slots"
            ),
        ))
    }
}

/// The stretch in which a slot hands out no more than its units: what is handed out at one moment may start up to L later.
#[must_use]
pub fn window_local(terms: &Terms) -> Duration {
    terms.span.length() + terms.start_within + terms.epsilon() + terms.blackout
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::terms::Timing;
    use super::*;

    const SHARE: OfflineShare = OfflineShare {
        percent: 10,
        slots: 4,
        outage_max: OUTAGE_MAX_DEFAULT,
    };

    fn terms() -> Terms {
        let timing = Timing {
            span: Span::Rolling(Duration::from_secs(60)),
            validity: None,
            start_within: None,
            blackout: None,
        };
        timing.terms()
    }

    #[test]
    fn slots_are_rounded_down() {
        let plan = SHARE.plan(119, &terms());
        assert_eq!((plan.slot_units, plan.units()), (2, 8));
        assert!(plan.reach > OUTAGE_MAX_DEFAULT + Duration::from_secs(63));
    }

    proptest! {
        #[test]
        fn slots_together_never_pass_the_share(amount in 1..=1_000_000_000_000_u64, percent in 1..=PERCENT_MAX, slots in 1..=SLOTS_MAX) {
            let share = OfflineShare { percent, slots, ..SHARE };
            let units = share.plan(amount, &terms()).units();
            prop_assert!(u128::from(units) * 100 <= u128::from(amount) * u128::from(percent));
            let least = (100 * u64::from(slots)).div_ceil(u64::from(percent));
            prop_assert_eq!(units > 0, amount >= least);
        }
    }
}
