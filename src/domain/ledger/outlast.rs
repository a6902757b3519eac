//! A limit that counts over another span from now on.

use std::time::Duration;

use super::entry::Entry;
use crate::domain::terms::{RATE, Span, Terms};
use crate::domain::time::Timestamp;

/// How charges count over another span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlasting {
    /// Each ends later by this.
    By(Duration),
    /// None ends before this.
    Until(Timestamp),
}

impl Entry {
    /// What is charged counts over the span of these terms from now on. What has ended by the span that there was `before` is known to
    /// nobody any more.
    ///
    /// A charge over a window lasts for that from the last moment on at which it may start, whatever D and L it was granted by, so it
    /// lasts over a longer one by as much longer. Of a calendar nothing of the kind is known: it counts as if it was granted now, by
    /// the longest D and L that anything charged may go by.
    pub fn outlast(&mut self, before: Span, terms: &Terms, now: Timestamp) -> Outlasting {
        let today = terms.charge_time();
        let longest = self.reach.longest(self.clocks);
        let high = self.clocks.high.max(now);
        let reach = self.reach.and(self.clocks, today);
        if let (Span::Rolling(before), Span::Rolling(window)) = (before, terms.span) {
            let longer = window.saturating_sub(before);
            let by = longer + longer / RATE;
            self.reach = reach.at_least(longest + by, high.after(longest + by));
            return Outlasting::By(by);
        }
        let late_then = longest.saturating_sub(before.length_max());
        let late_now = terms.validity + terms.start_within + terms.blackout;
        let later = late_then.saturating_sub(late_now);
        let end = terms.charge_until(high.after(later));
        self.reach = reach.at_least(today + later, end);
        Outlasting::Until(end)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::calendar::{Calendar, Period, Zone};
    use crate::domain::ledger::entry::tests::{at, entry};
    use crate::domain::terms::Timing;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn terms(window: u64, late: Option<(u64, u64)>) -> Terms {
        let timing = Timing {
            span: Span::Rolling(seconds(window)),
            validity: late.map(|(validity, _)| seconds(validity)),
            start_within: late.map(|(_, start_within)| seconds(start_within)),
            blackout: None,
        };
        timing.terms()
    }

    /// At 1,000.
    fn granted(terms: &Terms) -> Entry {
        let entry = entry();
        Entry {
            reach: entry.reach.and(entry.clocks, terms.charge_time()),
            ..entry
        }
    }

    fn by(entry: &mut Entry, before: &Terms, now: &Terms) -> Duration {
        match entry.outlast(before.span, now, at(1_000)) {
            Outlasting::By(by) => by,
            Outlasting::Until(end) => panic!("{end:?}"),
        }
    }

    #[test]
    fn what_is_out_counts_over_the_longer_window_from_its_last_start_on() {
        let (slow, quick) = (terms(60, Some((15, 30))), terms(120, None));
        let mut entry = granted(&slow);
        let end = at(1_000).after(slow.charge_time() + by(&mut entry, &slow, &quick));
        assert!(end >= at(1_000 + 45 + 120), "{end:?}");
        // Nor is it kept for much longer, and the clocks look back as far.
        assert!(end < at(1_000 + 45 + 120 + 1), "{end:?}");
        assert!(entry.reach.charge >= end.since(at(1_000)));
        assert!(entry.reach.until >= end);
    }

    #[test]
    fn a_window_that_was_long_by_mistake_is_not_counted_over_again() {
        let (day, hour, two) = (terms(86_400, None), terms(3_600, None), terms(7_200, None));
        let mut entry = granted(&day);
        entry.reach = entry.reach.and(entry.clocks, hour.charge_time());
        let by = by(&mut entry, &hour, &two);
        assert!(by < seconds(3_610), "{by:?}");
    }

    #[test]
    fn of_a_calendar_what_is_out_counts_as_if_it_was_granted_now_by_its_own_terms() {
        let zone = Zone::parse("zone", "UTC").unwrap();
        let day = Terms {
            span: Span::Calendar(Calendar {
                period: Period::Day,
                zone,
            }),
            ..terms(60, Some((15, 30)))
        };
        let minute = terms(60, None);
        let mut entry = granted(&day);
        let Outlasting::Until(end) = entry.outlast(day.span, &minute, at(1_000)) else {
            panic!("no window is known")
        };
        assert!(
            end >= at(1_000 + 45 + 60) && end < at(1_000 + 45 + 60 + 30),
            "{end:?}"
        );
    }
}
