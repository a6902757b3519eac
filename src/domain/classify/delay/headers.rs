//! Delays in headers: those that answer this request, and the resets that stand on every answer.

use std::time::Duration;

use super::amount::{self, Bare};
use super::{Clock, believed, instant};
use crate::domain::classify::evidence::Evidence;
use crate::domain::pool::TTL_MAX;

/// Retry-After and its kin, and their unit.
fn unit_of(name: &str) -> Option<Bare> {
    match name {
        "retry-after" | "x-retry-after" => Some(Bare::Seconds),
        "retry-after-ms" | "x-retry-after-ms" | "x-ms-retry-after-ms" => Some(Bare::Milliseconds),
        _ => None,
    }
}

/// Whether a header of this name says when to come back.
pub(in crate::domain::classify) fn is_told(name: &str) -> bool {
    unit_of(name).is_some()
}

fn is_of_limit(name: &str) -> bool {
    name.contains("ratelimit") || name.contains("rate-limit")
}

/// What Retry-After and its kin state; the longest counts.
pub(super) fn told(evidence: &Evidence, clock: Clock) -> Option<Duration> {
    let read = evidence.headers.iter().filter_map(|(name, value)| {
        let bare = unit_of(name)?;
        // A date that has passed says: now.
        if let Some(at) = instant::http_date(value) {
            return clock.now.map(|_| clock.until(at).unwrap_or_default());
        }
        // Proxies join what two of them say by a comma, which a date has of its own.
        let each = || {
            value
                .split(',')
                .filter_map(|one| moment(one.trim(), bare, clock))
        };
        moment(value, bare, clock).or_else(|| each().max())
    });
    read.filter_map(believed).max()
}

/// Fewer milliseconds since 1970 would be a time before this millennium: so many are a length of time.
const EPOCH_MILLISECONDS_MIN: f64 = 1e12;

/// A value that may be a length of time, which is cut, or a point in time.
pub(super) fn moment(value: &str, bare: Bare, clock: Clock) -> Option<Duration> {
    let is_length = |number: f64| bare == Bare::Milliseconds && number < EPOCH_MILLISECONDS_MIN;
    let is_length = value.trim().parse().is_ok_and(is_length);
    if let Some(at) = instant::any(value, clock.zone_hours).filter(|_| !is_length) {
        return clock.until(at);
    }
    let length = amount::whole(&value.to_lowercase(), bare)?;
    Some(length.min(TTL_MAX))
}

/// One budget of which a response tells.
struct Budget<'a> {
    name: &'a str,
    reset: Duration,
    is_spent: bool,
}

/// When the spent budget is full again. Where none is said to be spent, the one that the words name, else the longest.
pub(super) fn reset(evidence: &Evidence, clock: Clock) -> Option<Duration> {
    let budgets = budgets(evidence, clock);
    let longest =
        |of: &dyn Fn(&Budget<'_>) -> bool| budgets.iter().filter(|b| of(b)).map(|b| b.reset).max();
    let is_named = |budget: &Budget<'_>| {
        let mut units = ["token", "request"].into_iter();
        units.any(|unit| budget.name.contains(unit) && evidence.words.text.contains(unit))
    };
    longest(&|budget| budget.is_spent)
        .or_else(|| longest(&is_named))
        .or_else(|| longest(&|_| true))
}

fn budgets<'a>(evidence: &'a Evidence, clock: Clock) -> Vec<Budget<'a>> {
    let mut budgets = Vec::new();
    for (name, value) in evidence
        .headers
        .iter()
        .filter(|(name, _)| is_of_limit(name))
    {
        if name.contains("reset") {
            let remaining = evidence.header(&name.replace("reset", "remaining"));
            pairs(name, value, remaining, clock, &mut budgets);
        } else if value.contains("reset=") || value.contains("t=") {
            budgets.extend(combined(name, value));
        }
    }
    budgets
}

/// One value, or several for several windows: `1, 1419704`.
fn pairs<'a>(
    name: &'a str,
    value: &str,
    remaining: Option<&str>,
    clock: Clock,
    budgets: &mut Vec<Budget<'a>>,
) {
    // A date of HTTP has a comma of its own.
    if let Some(reset) = moment(value, Bare::Seconds, clock).and_then(believed) {
        let is_spent = remaining.is_some_and(is_zero);
        budgets.extend((!reset.is_zero()).then_some(Budget {
            name,
            reset,
            is_spent,
        }));
        return;
    }
    let mut remaining = remaining.into_iter().flat_map(|all| all.split(','));
    for one in value.split(',') {
        let is_spent = remaining.next().is_some_and(is_zero);
        let reset = moment(one.trim(), Bare::Seconds, clock).and_then(believed);
        let reset = reset.filter(|reset| !reset.is_zero());
        budgets.extend(reset.map(|reset| Budget {
            name,
            reset,
            is_spent,
        }));
    }
}

/// The drafts of the standard: `limit=10, remaining=0, reset=50` and `"default";r=0;t=50`.
fn combined<'a>(name: &'a str, value: &str) -> Option<Budget<'a>> {
    let of = |keys: [&str; 2]| {
        let mut parts = value
            .split([',', ';'])
            .filter_map(|part| part.split_once('='));
        let found = parts.find(|(key, _)| keys.contains(&key.trim()));
        found.map(|(_, value)| value.trim())
    };
    let reset = amount::whole(of(["reset", "t"])?, Bare::Seconds).and_then(believed)?;
    let is_spent = of(["remaining", "r"]).is_some_and(is_zero);
    (!reset.is_zero()).then_some(Budget {
        name,
        reset,
        is_spent,
    })
}

fn is_zero(remaining: &str) -> bool {
    remaining
        .trim()
        .parse::<f64>()
        .is_ok_and(|left| left <= 0.0)
}
