//! The state of one account: what arrived, what was admitted, and which of its keys have died.

use std::time::{Duration, Instant};

use crate::config::{Account, Fault, Key, Limit};
use crate::counts::{AccountCounts, KeyCounts, LimitCounts};
use crate::limiter::{Limiter, Refusal};
use crate::window::BusiestWindow;

/// One account at work.
#[derive(Debug)]
pub(crate) struct AccountState {
    name: String,
    pub(crate) latency: Duration,
    pub(crate) requests: Budget,
    burst: Option<Budget>,
    pub(crate) tokens: Option<Budget>,
    keys: Vec<KeyState>,
    started: Instant,
    succeeded: u64,
    rate_limited: u64,
    unauthorized: u64,
    failed: u64,
}

/// A limit and, apart from it, its measure.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: Limit,
    pub(crate) limiter: Limiter,
    measure: BusiestWindow,
    arrived: u64,
}

#[derive(Debug)]
struct KeyState {
    value: String,
    fault: Option<Fault>,
    arrived: u64,
    succeeded: u64,
    killed: bool,
}

/// Which limit refused a request, and why.
#[derive(Debug)]
pub(crate) struct Denial {
    pub(crate) dimension: Dimension,
    pub(crate) refusal: Refusal,
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) requested: u64,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    Requests,
    Tokens,
}

impl AccountState {
    pub(crate) fn new(account: Account, started: Instant) -> Self {
        Self {
            name: account.name,
            latency: Duration::from_millis(account.latency_ms),
            requests: Budget::new(account.requests),
            burst: account.burst.map(Budget::new),
            tokens: account.tokens.map(Budget::new),
            keys: account.keys.into_iter().map(KeyState::new).collect(),
            started,
            succeeded: 0,
            rate_limited: 0,
            unauthorized: 0,
            failed: 0,
        }
    }

    /// Notes that a request came with this key; the status it fails with, if the key has died.
    pub(crate) fn arrive(&mut self, key: usize, now: Instant) -> Result<(), u16> {
        self.requests.note(now, 1);
        if let Some(budget) = &mut self.burst {
            budget.note(now, 1);
        }
        let age = now.duration_since(self.started);
        let Some(status) = self.keys[key].arrive(age) else {
            return Ok(());
        };
        match status {
            401 => self.unauthorized += 1,
            429 => self.rate_limited += 1,
            _ => self.failed += 1,
        }
        Err(status)
    }

    /// Admits a request of so many tokens under every limit or under none.
    pub(crate) fn admit(&mut self, key: usize, tokens: u64, now: Instant) -> Result<(), Denial> {
        if let Some(budget) = &mut self.tokens {
            budget.note(now, tokens);
        }
        if let Some(denial) = self.denial(tokens, now) {
            self.rate_limited += 1;
            return Err(denial);
        }
        self.requests.limiter.take(now, 1);
        if let Some(budget) = &mut self.burst {
            budget.limiter.take(now, 1);
        }
        if let Some(budget) = &mut self.tokens {
            budget.limiter.take(now, tokens);
        }
        self.succeeded += 1;
        self.keys[key].succeeded += 1;
        Ok(())
    }

    /// Whether it goes by this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Accepts another key from now on; answers its place.
    pub(crate) fn accept(&mut self, value: String) -> usize {
        self.keys.push(KeyState::new(Key { value, fault: None }));
        self.keys.len() - 1
    }

    /// Counts a request that could not be read.
    pub(crate) fn fail(&mut self) {
        self.failed += 1;
    }

    /// Lets a key die now.
    pub(crate) fn kill(&mut self, key: usize) {
        self.keys[key].killed = true;
    }

    /// Whether a key answers at all, without counting a use.
    pub(crate) fn failure(&self, key: usize, now: Instant) -> Option<u16> {
        self.keys[key].failure(now.duration_since(self.started))
    }

    pub(crate) fn counts(&self, now: Instant) -> AccountCounts {
        let age = now.duration_since(self.started);
        AccountCounts {
            name: self.name.clone(),
            requests: self.requests.counts(),
            burst: self.burst.as_ref().map(Budget::counts),
            tokens: self.tokens.as_ref().map(Budget::counts),
            succeeded: self.succeeded,
            rate_limited: self.rate_limited,
            unauthorized: self.unauthorized,
            failed: self.failed,
            keys: self.keys.iter().map(|key| key.counts(age)).collect(),
        }
    }

    fn denial(&mut self, tokens: u64, now: Instant) -> Option<Denial> {
        self.requests
            .denial(Dimension::Requests, 1, now)
            .or_else(|| {
                let budget = self.burst.as_mut()?;
                budget.denial(Dimension::Requests, 1, now)
            })
            .or_else(|| {
                let budget = self.tokens.as_mut()?;
                budget.denial(Dimension::Tokens, tokens, now)
            })
    }
}

impl Budget {
    fn new(limit: Limit) -> Self {
        Self {
            limit,
            limiter: Limiter::new(limit),
            measure: BusiestWindow::new(limit.window()),
            arrived: 0,
        }
    }

    fn note(&mut self, now: Instant, units: u64) {
        self.arrived += units;
        self.measure.note(now, units);
    }

    fn denial(&mut self, dimension: Dimension, requested: u64, now: Instant) -> Option<Denial> {
        let refusal = self.limiter.check(now, requested).err()?;
        Some(Denial {
            dimension,
            refusal,
            limit: self.limiter.amount(),
            used: self.limiter.used(),
            requested,
        })
    }

    fn counts(&self) -> LimitCounts {
        LimitCounts {
            amount: self.limit.amount,
            window_ms: self.limit.window_ms,
            arrived: self.arrived,
            busiest_window: self.measure.busiest(),
            exact: self.measure.is_exact(),
        }
    }
}

impl KeyState {
    fn new(key: Key) -> Self {
        Self {
            value: key.value,
            fault: key.fault,
            arrived: 0,
            succeeded: 0,
            killed: false,
        }
    }

    /// Counts a use; `after_uses` of n lets n uses through.
    fn arrive(&mut self, age: Duration) -> Option<u16> {
        let failure = self.failure(age);
        self.arrived += 1;
        failure
    }

    fn failure(&self, age: Duration) -> Option<u16> {
        if self.killed {
            return Some(401);
        }
        let fault = self.fault?;
        let used_up = fault.after_uses.is_some_and(|uses| self.arrived >= uses);
        let too_old = fault
            .after_ms
            .is_some_and(|ms| age >= Duration::from_millis(ms));
        (used_up || too_old).then_some(fault.status)
    }

    fn counts(&self, age: Duration) -> KeyCounts {
        KeyCounts {
            key: self.value.clone(),
            arrived: self.arrived,
            succeeded: self.succeeded,
            dead: self.failure(age).is_some(),
        }
    }
}
