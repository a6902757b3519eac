//! How a version that was dead grows back to its whole share of leases.

use std::time::Duration;

use super::time::Timestamp;

/// A whole share.
pub const WHOLE: u64 = 1_024;
/// What it begins with: enough to show within a minute whether the provider bears it.
const FIRST: u64 = WHOLE / 16;

/// The share of its turns that a version takes which was well again at `recovered`, out of [`WHOLE`]. Every replica grows by the same
/// line, so that the fleet does.
#[must_use]
pub fn share(recovered: Timestamp, ramp: Duration, now: Timestamp) -> u64 {
    let since = now.since(recovered);
    if since >= ramp {
        return WHOLE;
    }
    let grown = since.as_micros() * u128::from(WHOLE - FIRST) / ramp.as_micros().max(1);
    FIRST + u64::try_from(grown).unwrap_or(0)
}

/// How far something has grown back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grown {
    /// What it takes now, in percent.
    pub percent: u8,
    /// When it is whole.
    pub until: Timestamp,
}

/// Whether a version takes a turn: `credit` is what its turns so far have added up to. With each it grows by the share.
#[must_use]
pub const fn takes(credit: u64, share: u64) -> bool {
    (credit % WHOLE) + share >= WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAMP: Duration = Duration::from_secs(300);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// How many of so many turns are taken at this time.
    fn taken(turns: u64, seconds: i64) -> u64 {
        let share = share(at(0), RAMP, at(seconds));
        let credits = (0..turns).scan(0, |credit, _| {
            let before = *credit;
            *credit += share;
            Some(before)
        });
        credits.filter(|credit| takes(*credit, share)).count() as u64
    }

    #[test]
    fn a_share_grows_from_a_sixteenth_to_the_whole() {
        assert_eq!(taken(1_600, 0), 100);
        let half = taken(1_600, 150);
        assert!((840..=860).contains(&half), "{half}");
        assert_eq!(taken(1_600, 300), 1_600);
        assert_eq!(taken(1_600, 9_999), 1_600);
    }

    #[test]
    fn a_share_never_shrinks_while_time_passes() {
        let shares: Vec<u64> = (0..=310).map(|s| share(at(0), RAMP, at(s))).collect();
        assert!(shares.is_sorted());
        assert_eq!(share(at(0), Duration::ZERO, at(0)), WHOLE);
        // A clock that lies before the recovery gives the first share.
        assert_eq!(share(at(9), RAMP, at(0)), WHOLE / 16);
    }
}
