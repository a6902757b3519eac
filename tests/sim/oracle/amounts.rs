//! Limits whose amount is changed.

use super::*;

impl Oracle {
    /// The limit is of another amount from now on; what was charged before stays so for `charge`, and binds from then on.
    pub(crate) fn changed(&mut self, at: Time, amount: u64, charge: Time) {
        let before = self.amounts.last().map_or(amount, |(_, before)| *before);
        let binds = if amount < before { at + charge } else { at };
        self.amounts.push((binds, amount));
    }

    pub(crate) const fn is_unchanged(&self) -> bool {
        self.amounts.is_empty()
    }

    /// The fullest window of this length, as a share of the most that was allowed in it.
    pub(super) fn fullest(&mut self, window: Time, amount: u64) -> f64 {
        self.starts.sort_unstable();
        let (mut first, mut sum, mut fullest) = (0, 0, 0.0_f64);
        for (at, units) in &self.starts {
            sum += units;
            while self.starts[first].0 + window <= *at {
                sum -= self.starts[first].1;
                first += 1;
            }
            let within = |(index, (since, _)): (usize, &(Time, u64))| {
                let next = self.amounts.get(index + 1);
                *since <= *at && next.is_none_or(|(until, _)| self.starts[first].0 <= *until)
            };
            let in_force = self.amounts.iter().enumerate();
            let in_force = in_force
                .filter(|entry| within(*entry))
                .map(|(_, (_, n))| *n);
            let allowed = in_force.max().unwrap_or(amount);
            fullest = fullest.max(sum as f64 / allowed as f64);
        }
        fullest
    }
}

#[test]
fn the_oracle_goes_by_the_amount_of_the_time() {
    let mut oracle = Oracle::default();
    oracle.changed(0, 10, 12);
    oracle.changed(100, 4, 12);
    for (at, units) in [(50, 10), (101, 10), (112, 4), (130, 5)] {
        oracle.started(at, units);
    }
    // The last comes when the lower amount has long been in force.
    assert!((oracle.fullest(10, 10) - 1.25).abs() < 1e-9);
    oracle.changed(129, 5, 12);
    assert!((oracle.fullest(10, 10) - 1.0).abs() < 1e-9);
}
