//! Limits of what is held at one time.

use super::*;

impl Oracle {
    /// Units were held, from then to then.
    pub(crate) fn held(&mut self, since: Time, until: Time, units: u64) {
        if since < until {
            self.held.push((since, until, units));
        }
    }

    /// The most units that were held at one time: what comes back at a moment can be held anew at that moment.
    pub(super) fn most_held(&self) -> u64 {
        let begins = self
            .held
            .iter()
            .map(|(since, _, units)| (*since, 1, *units));
        let ends = self
            .held
            .iter()
            .map(|(_, until, units)| (*until, 0, *units));
        let mut changes: Vec<_> = begins.chain(ends).collect();
        changes.sort_unstable();
        let (mut now, mut most) = (0, 0);
        for (_, begins, units) in changes {
            if begins == 1 {
                now += units;
                most = most.max(now);
            } else {
                now -= units;
            }
        }
        most
    }
}

#[test]
fn the_oracle_counts_what_is_held_at_one_time() {
    let mut oracle = Oracle::default();
    for (since, until, units) in [(0, 10, 2), (5, 7, 1), (7, 9, 1), (10, 12, 3)] {
        oracle.held(since, until, units);
    }
    assert_eq!(oracle.most_held(), 3);
}
