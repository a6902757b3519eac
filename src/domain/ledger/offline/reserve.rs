//! What the ledger leaves alone of a limit.
//!
//! A replica that cannot reach the database goes on by the limit as it last knew it, so a change holds for the ledger at once where it
//! takes units away, and only after everybody who may not know of it has ended where it gives some. And replicas serve by a new share
//! only when whatever the ledger granted, and whatever was served by an older share, has ended.

use crate::domain::ledger::clock::Clocks;
use crate::domain::offline::Plan;
use crate::domain::time::Timestamp;

/// What the ledger leaves alone, as stored with its clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reserve {
    /// The share that the ledger last saw; no units if there is none.
    pub plan: Plan,
    /// Of older shares: units, and until when, by the higher clock, replicas may serve by them.
    pub kept: Option<Kept>,
    /// When replicas may begin to serve by the share, by the lower clock.
    pub ripe_at: Option<Timestamp>,
}

/// Units that stay reserved for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// How many.
    pub units: u64,
    /// Until when.
    pub until: Timestamp,
}

impl Reserve {
    /// Looks at the share as configured. `charged_until` is when the last charge of the limit ends that was or will be made before this
    /// share holds, a freeze after lost writes included.
    pub fn turn(&mut self, plan: Plan, clocks: Clocks, charged_until: Timestamp) {
        self.kept = self.kept.filter(|kept| clocks.low < kept.until);
        if plan != self.plan {
            self.keep(plan, clocks.high);
            self.plan = plan;
            let old = self.kept.map_or(charged_until, |kept| kept.until);
            self.ripe_at = (plan.units() > 0).then(|| charged_until.max(old));
        }
    }

    /// Grants may have been forgotten: none of what they were made beside is served before they have ended.
    pub fn freeze(&mut self, until: Timestamp) {
        self.ripe_at = self.ripe_at.map(|at| at.max(until));
    }

    /// What was reserved until now may be served by those who do not know better.
    fn keep(&mut self, next: Plan, high: Timestamp) {
        let old = self.plan;
        let last = (old.units() > 0).then(|| Kept {
            units: old.units(),
            until: high.after(old.reach),
        });
        let both = self.kept.into_iter().chain(last).reduce(|a, b| Kept {
            units: a.units.max(b.units),
            until: a.until.max(b.until),
        });
        // Of a window that was shorter, several fit into the one that counts from now on.
        let windows = old.window.as_nanos();
        let stretch = next.window.as_nanos() + windows.saturating_sub(1);
        let stretch = stretch.checked_div(windows).unwrap_or(1);
        let stretch = u64::try_from(stretch).unwrap_or(u64::MAX).max(1);
        self.kept = both.map(|kept| Kept {
            units: kept.units.saturating_mul(stretch),
            until: kept.until.after(next.window.saturating_sub(old.window)),
        });
    }

    /// Units that are not granted.
    #[must_use]
    pub fn units(&self) -> u64 {
        let kept = self.kept.map_or(0, |kept| kept.units);
        self.plan.units().max(kept)
    }

    /// Whether replicas may serve by the share.
    #[must_use]
    pub fn is_ripe(&self, low: Timestamp) -> bool {
        self.ripe_at.is_some_and(|at| at <= low)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const fn second(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    const fn clocks(low: i64, high: i64) -> Clocks {
        Clocks {
            high: second(high),
            low: second(low),
        }
    }

    const fn plan(slot_units: u64, window: u64) -> Plan {
        Plan {
            slot_units,
            slots: 2,
            window: Duration::from_secs(window),
            reach: Duration::from_secs(100 + window),
        }
    }

    #[test]
    fn a_new_share_is_taken_at_once_and_served_when_all_before_it_has_ended() {
        let mut reserve = Reserve::default();
        reserve.turn(plan(5, 60), clocks(1_000, 1_001), second(1_070));
        assert_eq!(reserve.units(), 10);
        assert!(!reserve.is_ripe(second(1_069)));
        // Another look changes nothing.
        reserve.turn(plan(5, 60), clocks(1_060, 1_061), second(1_130));
        assert!(reserve.is_ripe(second(1_070)));
    }

    #[test]
    fn a_smaller_share_is_granted_when_nobody_serves_by_the_larger_one() {
        let mut reserve = Reserve::default();
        reserve.turn(plan(5, 60), clocks(1_000, 1_001), second(1_070));
        reserve.turn(plan(2, 60), clocks(2_000, 2_001), second(2_070));
        assert_eq!(reserve.units(), 10);
        // Nor is it served before: of slots that are cut otherwise, those of both would come to more than either.
        assert!(!reserve.is_ripe(second(2_160)));
        reserve.turn(plan(2, 60), clocks(2_161, 2_162), second(2_230));
        assert_eq!(reserve.units(), 4);
        assert!(reserve.is_ripe(second(2_161)));
    }

    #[test]
    fn of_several_changes_the_most_is_kept_the_longest() {
        let mut reserve = Reserve::default();
        reserve.turn(plan(5, 60), clocks(1_000, 1_001), second(1_070));
        reserve.turn(plan(0, 60), clocks(2_000, 2_001), second(2_070));
        reserve.turn(plan(1, 60), clocks(2_100, 2_101), second(2_170));
        reserve.turn(plan(3, 60), clocks(2_150, 2_151), second(2_220));
        assert_eq!(reserve.units(), 10);
        assert_eq!(reserve.ripe_at, Some(second(2_311)));
    }

    #[test]
    fn of_a_shorter_window_several_fit_into_a_longer_one() {
        let mut reserve = Reserve::default();
        reserve.turn(plan(5, 10), clocks(1_000, 1_001), second(1_070));
        reserve.turn(plan(5, 25), clocks(2_000, 2_001), second(2_070));
        assert_eq!(reserve.units(), 30);
        assert_eq!(reserve.kept.unwrap().until, second(2_001 + 110 + 15));
    }
}
