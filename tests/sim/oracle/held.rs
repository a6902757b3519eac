//! Limits of what is held at one time.

use super::*;

impl Oracle {
    /// Units were held, from then to then.
    pub(crate) fn held(&mut self, since: Time, until: Time, units: u64) {
        if since < until {
            self.held.push((since, until, units));
        }
    }

    /// The limit binds nothing between then and then.
    pub(crate) fn lets_go(&mut self, since: Time, until: Time) {
        self.unbound.push((since, until));
    }

    /// The most units that were held at one time while the limit bound: what comes back at a moment can be held anew at that moment.
    pub(super) fn most_held(&self) -> u64 {
        let begins = self
            .held
            .iter()
            .map(|(since, _, units)| (*since, 1, *units));
        let ends = self
            .held
            .iter()
            .map(|(_, until, units)| (*until, 0, *units));
        // What is held when it binds again counts, since whenever it has been.
        let binds = self.unbound.iter().map(|(_, until)| (*until, 1, 0));
        let mut changes: Vec<_> = begins.chain(ends).chain(binds).collect();
        changes.sort_unstable();
        let (mut now, mut most) = (0, 0);
        let is_bound = |at| {
            let mut unbound = self.unbound.iter();
            !unbound.any(|(since, until)| (*since..*until).contains(&at))
        };
        for (at, begins, units) in changes {
            if begins == 1 {
                now += units;
                if is_bound(at) {
                    most = most.max(now);
                }
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

#[test]
fn the_oracle_counts_what_is_held_when_a_limit_binds() {
    let mut oracle = Oracle::default();
    for (since, until, units) in [(0, 30, 2), (12, 19, 5), (14, 22, 1), (25, 28, 1)] {
        oracle.held(since, until, units);
    }
    oracle.lets_go(10, 20);
    assert_eq!(oracle.most_held(), 3);
    oracle.lets_go(20, 24);
    assert_eq!(oracle.most_held(), 3);
    oracle.lets_go(24, 26);
    assert_eq!(oracle.most_held(), 3);
    oracle.lets_go(26, 29);
    assert_eq!(oracle.most_held(), 2);
}
