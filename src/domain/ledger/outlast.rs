//! A limit that counts over another span from now on.

use super::entry::Entry;
use crate::domain::terms::{Span, Terms};
use crate::domain::time::Timestamp;

impl Entry {
    /// What is charged counts over the span of these terms from now on, as if it had been granted now, since nobody knows when its uses
    /// start: a block that is out may be used as late as the terms say that it was granted by, which may be later than today's. Answers until
    /// when all of it stays charged at least. What has ended by the span that there was `before` is known to nobody any more.
    pub fn outlast(&mut self, before: Span, terms: &Terms, now: Timestamp) -> Timestamp {
        let today = terms.charge_time();
        let longest = self.reach.longest(self.clocks);
        let late_then = longest.saturating_sub(before.length_max());
        let late_now = terms.validity + terms.start_within + terms.blackout;
        let later = late_then.saturating_sub(late_now);
        let end = terms.charge_until(self.clocks.high.max(now).after(later));
        let reach = self.reach.and(self.clocks, today);
        self.reach = reach.at_least(today + later, end);
        end
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
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

    #[test]
    fn what_is_out_counts_over_the_longer_window_from_its_last_start_on() {
        let (slow, quick) = (terms(60, Some((15, 30))), terms(120, None));
        let mut entry = granted(&slow);
        let end = entry.outlast(slow.span, &quick, at(1_000));
        assert!(end >= at(1_000 + 45 + 120), "{end:?}");
        // Nor is it kept for much longer, and the clocks look back as far.
        assert!(end < at(1_000 + 45 + 120 + 5), "{end:?}");
        assert!(entry.reach.charge >= end.since(at(1_000)));
        assert!(entry.reach.until >= end);
    }

    #[test]
    fn terms_that_were_shortened_before_are_remembered_while_anything_goes_by_them() {
        let slow = terms(60, Some((15, 30)));
        let (quick, long) = (terms(60, None), terms(120, None));
        let mut entry = granted(&slow);
        entry.reach = entry.reach.and(entry.clocks, quick.charge_time());
        let end = entry.outlast(quick.span, &long, at(1_000));
        assert!(end >= at(1_000 + 45 + 120), "{end:?}");
        // By way of another span: 60, then 90, then 120 seconds.
        let mut entry = granted(&slow);
        let between = terms(90, None);
        entry.outlast(slow.span, &between, at(1_000));
        let end = entry.outlast(between.span, &long, at(1_000));
        assert!(end >= at(1_000 + 45 + 120), "{end:?}");
    }
}
