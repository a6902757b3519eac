//! What was spent, summed for charge-back: by day, pool, account, model, caller and tags. Money is whole micros.

use std::collections::HashMap;
use std::sync::Arc;

use super::tags::Tags;
use super::time::Timestamp;

#[cfg(test)]
mod tests;

/// The most sums that one replica keeps for a day: about 10 MB.
pub const SUMS_MAX: usize = 20_000;
/// The most of them that are one caller's, so that a caller that makes up models or tags takes no room from others.
pub const SUMS_OF_CALLER_MAX: usize = 2_000;
/// The most sums beyond those that tell apart pool, account and caller alone.
const COARSE_MAX: usize = 5_000;
/// Stands for what was too varied to be told apart. No resource, and hardly a model, is called so.
pub const OTHER: &str = "(other)";

const MICROS_OF_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A day in UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The day that a time is in.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(i32::try_from(time.micros().div_euclid(MICROS_OF_DAY)).unwrap_or(i32::MAX))
    }

    /// The day that begins at a time; none if none does.
    #[must_use]
    pub fn beginning(time: Timestamp) -> Option<Self> {
        (time.micros() % MICROS_OF_DAY == 0).then(|| Self::of(time))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }
}

/// What a sum is about. Resources are named in full.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpendKey {
    /// When it was reported.
    pub day: Day,
    /// `pools/{pool}`.
    pub pool: Arc<str>,
    /// `accounts/{account}`.
    pub account: Arc<str>,
    /// As the provider names it; empty if none was named.
    pub model: Arc<str>,
    /// `callers/{caller}`.
    pub caller: Arc<str>,
    /// Of the leases.
    pub tags: Tags,
}

impl SpendKey {
    /// Without what callers make up.
    fn coarse(&self) -> Self {
        Self {
            model: OTHER.into(),
            tags: Tags::default(),
            ..self.clone()
        }
    }

    /// All that is left to tell apart is the day.
    fn rest(&self) -> Self {
        Self {
            pool: OTHER.into(),
            account: OTHER.into(),
            caller: OTHER.into(),
            ..self.coarse()
        }
    }
}

/// What some uses came to. Sums that would not fit stay at the largest number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Micros of a dollar.
    pub cost_micros: u64,
    /// Upstream requests.
    pub requests: u64,
    /// Of these, those whose cost is not known.
    pub unpriced_requests: u64,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

impl Sums {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            cost_micros: self.cost_micros.saturating_add(other.cost_micros),
            requests: self.requests.saturating_add(other.requests),
            unpriced_requests: self
                .unpriced_requests
                .saturating_add(other.unpriced_requests),
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self
                .cached_input_tokens
                .saturating_add(other.cached_input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// The sums of one replica that the database does not have yet, and the keys that it has had today: they bound what a day can bring.
#[derive(Debug, Default)]
pub struct SpendBook {
    sums: HashMap<SpendKey, Sums>,
    of_callers: HashMap<(Day, Arc<str>), usize>,
}

impl SpendBook {
    /// Adds to a sum: that of the key, or a coarser one where there are too many.
    pub fn add(&mut self, key: SpendKey, sums: Sums) {
        let key = self.admitted(key);
        let known = self.sums.entry(key).or_default();
        *known = known.plus(sums);
    }

    fn admitted(&mut self, key: SpendKey) -> SpendKey {
        if self.sums.contains_key(&key) {
            return key;
        }
        let caller = (key.day, Arc::clone(&key.caller));
        let of_caller = self.of_callers.get(&caller).copied().unwrap_or(0);
        if self.sums.len() < SUMS_MAX && of_caller < SUMS_OF_CALLER_MAX {
            self.of_callers.insert(caller, of_caller + 1);
            return key;
        }
        let coarse = key.coarse();
        let has_room = self.sums.len() < SUMS_MAX + COARSE_MAX;
        if has_room || self.sums.contains_key(&coarse) {
            return coarse;
        }
        key.rest()
    }

    /// Takes at most so many sums that the database does not have yet. Days before `today` are over: their keys are forgotten with them.
    pub fn take(&mut self, sums_max: usize, today: Day) -> Vec<(SpendKey, Sums)> {
        let news = self
            .sums
            .iter_mut()
            .filter(|(_, sums)| **sums != Sums::default());
        let taken: Vec<_> = news
            .take(sums_max)
            .map(|(key, sums)| (key.clone(), std::mem::take(sums)))
            .collect();
        self.sums
            .retain(|key, sums| key.day >= today || *sums != Sums::default());
        self.of_callers.retain(|(day, _), _| *day >= today);
        taken
    }
}
