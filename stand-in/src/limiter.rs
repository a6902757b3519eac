//! The provider's own limit: a log of what it admitted over the last window. It takes no part in the measuring.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::Limit;

/// Admits while what was admitted over the last window stays within the amount.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Limit,
    admitted: VecDeque<(Instant, u64)>,
    used: u64,
}

/// Why a limiter refuses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is room after this time.
    Wait(Duration),
    /// More is asked for than the limit ever allows.
    TooLarge,
}

impl Limiter {
    pub(crate) fn new(limit: Limit) -> Self {
        Self {
            limit,
            admitted: VecDeque::new(),
            used: 0,
        }
    }

    /// Whether so many units fit now. Changes nothing that can be seen.
    pub(crate) fn check(&mut self, now: Instant, units: u64) -> Result<(), Refusal> {
        self.expire(now);
        if units > self.limit.amount {
            return Err(Refusal::TooLarge);
        }
        let mut excess = (self.used + units).saturating_sub(self.limit.amount);
        if excess == 0 {
            return Ok(());
        }
        for &(at, gone) in &self.admitted {
            excess = excess.saturating_sub(gone);
            if excess == 0 {
                return Err(Refusal::Wait(self.until_gone(at, now)));
            }
        }
        Err(Refusal::TooLarge)
    }

    /// Admits units that were checked.
    pub(crate) fn take(&mut self, now: Instant, units: u64) {
        if units > 0 {
            self.admitted.push_back((now, units));
            self.used += units;
        }
    }

    pub(crate) fn amount(&self) -> u64 {
        self.limit.amount
    }

    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.limit.amount.saturating_sub(self.used)
    }

    /// How long until the limit is unused again.
    pub(crate) fn reset(&self, now: Instant) -> Duration {
        self.admitted
            .back()
            .map_or(Duration::ZERO, |&(at, _)| self.until_gone(at, now))
    }

    fn until_gone(&self, at: Instant, now: Instant) -> Duration {
        (at + self.limit.window()).saturating_duration_since(now)
    }

    fn expire(&mut self, now: Instant) {
        while let Some(&(at, units)) = self.admitted.front() {
            if now.duration_since(at) < self.limit.window() {
                break;
            }
            self.used -= units;
            self.admitted.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(amount: u64) -> Limiter {
        Limiter::new(Limit {
            amount,
            window_ms: 100,
        })
    }

    #[test]
    fn the_next_unit_over_the_limit_is_refused_until_the_oldest_leaves_the_window() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut limiter = limiter(2);
        for at in [0, 30] {
            assert_eq!(limiter.check(ms(at), 1), Ok(()));
            limiter.take(ms(at), 1);
        }
        let wait = Refusal::Wait(Duration::from_millis(10));
        assert_eq!(limiter.check(ms(90), 1), Err(wait));
        assert_eq!(limiter.check(ms(100), 1), Ok(()));
        assert_eq!(limiter.remaining(), 1);
    }

    #[test]
    fn a_large_need_waits_for_as_many_as_it_takes() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut limiter = limiter(3);
        for at in [0, 10, 20] {
            limiter.take(ms(at), 1);
        }
        let wait = Refusal::Wait(Duration::from_millis(80));
        assert_eq!(limiter.check(ms(30), 2), Err(wait));
    }

    #[test]
    fn more_than_the_limit_never_fits() {
        let refused = limiter(3).check(Instant::now(), 4);
        assert_eq!(refused, Err(Refusal::TooLarge));
    }
}
