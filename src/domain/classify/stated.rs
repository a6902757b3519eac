//! What the headers of a response say of budgets: how many units there are, how many are left, and when they are back. Which header means
//! what is data, beside the rules of its provider.

use std::time::Duration;

use super::delay::{Clock, moment_of};
use super::evidence::Evidence;
use super::{Blame, Response, Rules};
use crate::domain::health::FailureClass;
use crate::domain::limit::{AMOUNT_MAX, Dimension};
use crate::domain::time::Timestamp;

mod returning;
mod written;

pub(super) use written::{HeaderSet, Written};

/// Of a budget whose window nobody knows, a reset that is farther away is believed for so long: an answer will say it again. Nor is a budget
/// of a longer window that says nothing of a reset left alone for longer.
const UNKNOWN_WINDOW_MAX: Duration = Duration::from_hours(1);
/// A window of up to this is a rate, a longer one a quota.
const RATE_WINDOW_MAX: Duration = Duration::from_hours(1);
/// How far what limit, rest and reset come to together may be off a window that is known: resets are rounded to seconds.
const WINDOW_TOLERANCE: f64 = 2.0;
/// A use that is said to need more of a budget than this part of it is taken to need as much: what never fits must not cool for ever.
const NEED_PART_MAX: u64 = 10;

/// What a response says of one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Which of the budgets that its provider speaks of.
    pub budget: usize,
    /// What is counted.
    pub dimension: Dimension,
    /// Whose budget it is: the account's, the account's for one model, or the key's.
    pub blame: Blame,
    /// The window, where it can be told.
    pub window: Option<Duration>,
    /// How many units there are in a window.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When all of them are back.
    reset: Option<Duration>,
    /// They come back one by one, and not all at the reset.
    is_steady: bool,
}

/// What a budget that is spent comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// How long until a use fits again.
    pub wait: Duration,
    /// A rate or a quota.
    pub class: FailureClass,
}

/// What a response says of budgets, by the headers that its provider is known to send, or else by those that many send.
#[must_use]
pub fn stated(headers: &[(String, Vec<u8>)], rules: Rules<'_>, now: Timestamp) -> Vec<Statement> {
    if headers.is_empty() {
        return Vec::new();
    }
    let evidence = Evidence::of(&Response {
        status: 200,
        headers,
        body: &[],
    });
    let clock = Clock::of(&evidence, Some(now), rules.zone_hours());
    let sets = rules.stated().iter();
    let whose = rules.limits().unwrap_or(Blame::Account);
    let stated = sets.enumerate().filter_map(|(budget, set)| {
        let statement = of_set(set, &evidence, clock, whose)?;
        Some(Statement {
            budget,
            ..statement
        })
    });
    stated.collect()
}

fn of_set(set: &HeaderSet, evidence: &Evidence, clock: Clock, whose: Blame) -> Option<Statement> {
    let (name, value) = &set.only_where;
    if !name.is_empty() && evidence.header(name) != Some(value.as_str()) {
        return None;
    }
    let amount = |name: &str| amount(only(evidence, name)?);
    let (limit, remaining) = (amount(&set.limit), amount(&set.remaining));
    // Nothing left of a limit of nothing is how some say that there is no limit.
    if matches!(
        (limit, remaining),
        (None | Some(0), None) | (Some(0), Some(0))
    ) {
        return None;
    }
    let limit = limit.filter(|limit| *limit > 0);
    let reset = only(evidence, &set.reset).and_then(|reset| moment_of(reset, clock));
    let longest = set.windows.iter().max().copied();
    let implied = implied(limit, remaining, reset).and_then(|implied| nearest(set, implied));
    // That nothing is left is so, however the reset is meant: no window lasts for longer than it does.
    let reset = reset.map(|reset| reset.min(longest.unwrap_or(UNKNOWN_WINDOW_MAX)));
    let window = match set.windows.as_slice() {
        [only] => Some(*only),
        _ => implied,
    };
    let is_silent = !evidence.headers.iter().any(|(name, _)| *name == set.reset);
    // Where no header says when they are back, they are once the window has passed.
    let passed = window.map(|window| window.min(UNKNOWN_WINDOW_MAX));
    let reset = reset.or(passed.filter(|_| is_silent));
    Some(Statement {
        budget: 0,
        dimension: set.dimension,
        blame: set.blame.unwrap_or(whose),
        window,
        limit,
        remaining,
        reset,
        is_steady: set.is_steady && implied.is_some(),
    })
}

/// The one value that a header has; several contradict each other, or are of several windows.
fn only<'a>(evidence: &'a Evidence, name: &str) -> Option<&'a str> {
    let mut values = evidence.headers.iter().filter(|(n, _)| n == name);
    let (_, first) = values.next()?;
    values.all(|(_, other)| other == first).then_some(first)
}

/// A whole number of units. A negative rest is none at all; what no limit can be states nothing.
fn amount(value: &str) -> Option<u64> {
    let value = value.strip_suffix(".0").unwrap_or(value);
    if let Some(negative) = value.strip_prefix('-') {
        return negative.parse::<u64>().ok().map(|_| 0);
    }
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let amount = is_plain.then(|| value.parse().ok()).flatten();
    amount.filter(|amount| *amount <= AMOUNT_MAX)
}

/// How long the window is, if what is used of a budget comes back steadily until the reset.
fn implied(limit: Option<u64>, remaining: Option<u64>, reset: Option<Duration>) -> Option<f64> {
    let (limit, used) = (limit?, limit?.checked_sub(remaining?)?);
    (used > 0).then(|| reset.map(|reset| reset.as_secs_f64() * limit as f64 / used as f64))?
}

/// The window of those that are known which comes near it.
fn nearest(set: &HeaderSet, implied: f64) -> Option<Duration> {
    let is_near = |window: &&Duration| {
        let ratio = implied / window.as_secs_f64();
        (1.0 / WINDOW_TOLERANCE..=WINDOW_TOLERANCE).contains(&ratio)
    };
    set.windows.iter().find(is_near).copied()
}

impl Statement {
    /// What it comes to for a use of `need` units, if so many are not left. Where neither a header nor the window says when they are back, nobody can wait for
    /// it.
    #[must_use]
    pub fn spent(&self, need: u64) -> Option<Spent> {
        let (remaining, reset) = (self.remaining?, self.reset?);
        let need = self.limit.map_or(need, |limit| part_of(limit, need)).max(1);
        if remaining >= need || reset.is_zero() {
            return None;
        }
        let steadily = self.takes(need - remaining);
        Some(Spent::of(steadily.unwrap_or(reset).min(reset)))
    }
}

impl Spent {
    /// A wait, by its length.
    #[must_use]
    pub fn of(wait: Duration) -> Self {
        let class = if wait > RATE_WINDOW_MAX {
            FailureClass::Quota
        } else {
            FailureClass::RateLimit
        };
        Self { wait, class }
    }
}

/// What a use counts for that is said to need so much of a limit, when it is asked whether it fits.
fn part_of(limit: u64, need: u64) -> u64 {
    need.min(limit / NEED_PART_MAX)
}

#[cfg(test)]
mod tests;
