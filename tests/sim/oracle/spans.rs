//! Limits whose window is changed.

use super::*;

impl Oracle {
    /// The limit counts over another window from now on, and whatever it counted over the window that there was `before`.
    pub(crate) fn counts_over(&mut self, at: Time, window: Time, before: Time) {
        match self.spans.last_mut() {
            Some(last) => last.until = at,
            None => self.spans.push(Counted {
                from: 0,
                until: at,
                window: before,
            }),
        }
        self.spans.push(Counted {
            from: at.saturating_sub(before),
            until: Time::MAX,
            window,
        });
    }

    /// The most units in any window of the time, by the windows that it had then.
    pub(super) fn busiest_then(&mut self) -> u64 {
        let spans = std::mem::take(&mut self.spans);
        let busiest = spans.iter().map(|span| {
            let within = |(at, _): &&(Time, u64)| span.from < *at && *at < span.until;
            let mut then = Self {
                starts: self.starts.iter().filter(within).copied().collect(),
                ..Self::default()
            };
            then.busiest(span.window)
        });
        let most = busiest.max().unwrap_or_default();
        self.spans = spans;
        most
    }
}

#[test]
fn the_oracle_goes_by_the_window_of_the_time() {
    let mut oracle = Oracle::default();
    for (at, units) in [(80, 4), (95, 3), (104, 2), (130, 4)] {
        oracle.started(at, units);
    }
    oracle.counts_over(100, 30, 10);
    oracle.counts_over(120, 10, 30);
    // What started long before the change was known to nobody any more, and after the next the window was short again.
    assert_eq!(oracle.busiest_then(), 5);
}
