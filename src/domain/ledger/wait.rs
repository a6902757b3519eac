//! After nothing was granted: when to ask again, and when a retry can succeed.

use std::time::Duration;

use super::clock::{Clocks, SAMPLE_GAP_MAX};
use super::entry::Entry;
use super::work::Wait;
use crate::domain::terms::{Span, Terms};
use crate::domain::time::{BootTime, Timestamp};

/// Nobody asks again sooner than this after an answer of nothing.
pub(super) const ASK_AGAIN_MIN: Duration = Duration::from_millis(5);
/// What is held comes back at other replicas at any time, and is left for whoever claims it: it must not lie for long until that asks.
const HELD_LOOK_MAX: Duration = Duration::from_millis(200);
/// How long after a block has closed its return is there.
const RETURN_DELAY: Duration = Duration::from_millis(50);

/// When the need will be free, and when something may come back before that. `free` is when charges that the need lacks end,
/// `next_close` when the next open block closes; `database_now` and `now` are the clocks of the database and of the replica.
pub(super) fn wait(
    entry: &Entry,
    terms: &Terms,
    free: Option<Timestamp>,
    next_close: Option<Timestamp>,
    database_now: Timestamp,
    now: BootTime,
) -> Wait {
    let Clocks { high, low } = entry.clocks;
    let frozen = entry.frozen(terms);
    let by = frozen.map_or(low, |_| entry.thawing(terms));
    // What was left to an older offline share is granted when nobody can serve by it any more.
    let free = free.or(entry.offline.kept.map(|kept| kept.until));
    // Where a limit was idle and every replica is new, the lower clock is behind by as long as it was idle; but it catches up with that
    // of the database as soon as that is known for as long as the clocks look back. Where it was ahead for a moment, what was charged
    // meanwhile lasts for as long as it was.
    let known = entry.reach.charge.max(terms.charge_time()) + SAMPLE_GAP_MAX;
    let ends = frozen.or(free).map(|at| {
        let caught_up = at.since(database_now).max(known);
        at.since(by).min(caught_up)
    });
    let clears = ends.unwrap_or_default();
    // Others return what they did not use when their blocks close, and reports end charges early: nobody says when, so it is
    // asked a little more than once in every D, which also renews the claim.
    let next_close = next_close.map(|at| at.since(low) + RETURN_DELAY);
    let often = terms.validity * 3 / 4;
    let often = match terms.span {
        Span::Held(_) => often.min(HELD_LOOK_MAX),
        Span::Rolling(_) | Span::Calendar(_) => often,
    };
    let soonest = next_close.map_or(often, |close| close.min(often));
    let again = frozen.map_or(clears.min(soonest), |at| at.since(high).max(often));
    Wait {
        ask_at: now.after(again.max(ASK_AGAIN_MIN)),
        // An answer that is slower than those before sets the lower clock back, by its lead at most where it may be relied on. Where no
        // charge has to end, it is not waited for.
        clears_at: now
            .after(clears.max(ASK_AGAIN_MIN) + ends.map_or(Duration::ZERO, |_| terms.lead())),
        is_frozen: frozen.is_some(),
        is_unreachable: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::reach::Reach;
    use crate::domain::terms::Timing;

    const NOW: BootTime = BootTime::from_nanos(1_000_000_000);

    fn terms() -> Terms {
        let timing = Timing {
            span: Span::Rolling(Duration::from_secs(60)),
            validity: None,
            start_within: None,
            blackout: None,
        };
        timing.terms()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn entry(high: i64, low: i64, frozen_until: Option<Timestamp>) -> Entry {
        Entry {
            clocks: Clocks {
                high: at(high),
                low: at(low),
            },
            reach: Reach::NONE,
            grant_number: 0,
            incarnation: 1,
            frozen_until,
            claim: None,
            told: None,
            block_units_max: 0,
            lately: crate::domain::ledger::losable::Lately::default(),
            offline: crate::domain::ledger::offline::reserve::Reserve::default(),
        }
    }

    /// Frozen for a charge time from second 100,000 on.
    fn frozen(high: i64, low: i64) -> Wait {
        let entry = entry(high, low, Some(terms().charge_until(at(100_000))));
        wait(&entry, &terms(), None, None, at(high), NOW)
    }

    #[test]
    fn what_was_charged_while_the_clock_was_ahead_clears_no_sooner_than_it_ends() {
        let (ahead, charge) = (3_600, terms().charge_time());
        let entry = entry(100_000 + ahead, 100_000, None);
        let free = at(100_000 + ahead).after(charge);
        let told = |database_now| {
            let wait = wait(&entry, &terms(), Some(free), None, database_now, NOW);
            wait.clears_at
        };
        // The clock is right again: the charge lasts until it gets there.
        let until = NOW.after(Duration::from_secs(3_600) + charge + terms().lead());
        assert_eq!(told(at(100_000)), until);
        // It still is ahead: the lower clock will have caught up with it when that is known for as long as it looks back.
        let known = charge + SAMPLE_GAP_MAX + terms().lead();
        assert_eq!(told(at(100_000 + ahead)), NOW.after(known));
    }

    #[test]
    fn where_no_charge_has_to_end_the_lower_clock_is_not_waited_for() {
        let wait = wait(
            &entry(100_000, 100_000, None),
            &terms(),
            None,
            None,
            at(100_000),
            NOW,
        );
        assert_eq!(wait.clears_at, NOW.after(ASK_AGAIN_MIN));
    }

    #[test]
    fn a_frozen_limit_is_asked_again_when_its_freeze_ends() {
        let wait = frozen(100_000, 100_000);
        assert!(wait.is_frozen);
        assert_eq!(wait.ask_at, NOW.after(terms().charge_time()));
        assert_eq!(wait.clears_at, wait.ask_at.after(terms().lead()));
    }

    #[test]
    fn a_frozen_limit_that_was_idle_for_a_day_is_not_given_up_for_a_day() {
        let wait = frozen(100_000, 100_000 - 86_400);
        assert_eq!(wait.ask_at, NOW.after(terms().charge_time()));
        let known = terms().charge_time() + SAMPLE_GAP_MAX;
        assert_eq!(wait.clears_at, NOW.after(known + terms().lead()));
    }

    #[test]
    fn where_only_the_lower_clock_is_behind_it_is_asked_often() {
        let wait = frozen(100_070, 100_000);
        assert!(wait.is_frozen);
        assert_eq!(wait.ask_at, NOW.after(terms().validity * 3 / 4));
    }
}
