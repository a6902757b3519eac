//! A limit as the wire brings it, parsed.

use std::time::Duration;

use super::faults::Faults;
use super::offline_share;
use crate::domain::calendar::{Calendar, Period, Zone};
use crate::domain::field::{FieldError, Parsed, bounded};
use crate::domain::limit::{
    AMOUNT_MAX, BLACKOUT_MAX, Dimension, LEASE_DURATION_MAX_DEFAULT, LEASE_DURATION_MAX_MAX, Mode,
    WINDOW_MAX, WINDOW_MIN,
};
use crate::domain::limit_draft::{LimitDraft, NewLimit, START_WITHIN_MIN, VALIDITY_MIN, no_window};
use crate::domain::models::{PATTERNS_MAX, Pattern};
use crate::domain::pool::LEASE_DURATION_MIN;
use crate::domain::terms::Span;
use crate::proto as v1;
use crate::proto::limit::Window;
use crate::service::convert::parse_millis;

/// The fields that UpdateLimit can change.
pub(super) const MUTABLE: [&str; 10] = [
    "amount",
    "rolling",
    "calendar",
    "models",
    "mode",
    "block_validity",
    "start_within",
    "blackout_max",
    "lease_duration_max",
    "offline_share",
];

/// A limit to create: what it counts, how many of it, and in which window have to be there.
pub(super) fn new_limit(faults: &mut Faults, limit: v1::Limit) -> Option<NewLimit> {
    let dimension = dimension(faults, limit.dimension);
    let window_field = limit.window.as_ref().map(field_of);
    let mut rest = fields(faults, limit, |_| true);
    let span = match (dimension, window_field) {
        (Some(Dimension::Concurrency), Some(field)) => {
            faults.add(no_window(field));
            None
        }
        (Some(Dimension::Concurrency), None) => {
            let longest = rest.lease_duration_max.take().flatten();
            Some(Span::Held(longest.unwrap_or(LEASE_DURATION_MAX_DEFAULT)))
        }
        (_, None) => {
            faults.add(FieldError::new(
                "limit.rolling",
                "is required, or a calendar",
            ));
            None
        }
        (_, Some(_)) => rest.span.take(),
    };
    Some(NewLimit {
        dimension: dimension?,
        amount: rest.amount.take()?,
        span: span?,
        rest,
    })
}

/// The fields of `limit` for which `wanted` says yes.
pub(super) fn draft(
    faults: &mut Faults,
    limit: v1::Limit,
    wanted: impl Fn(&str) -> bool,
) -> LimitDraft {
    if wants_window(&wanted) && limit.window.is_none() {
        let message = "is required where the window is to change";
        faults.add(FieldError::new("limit.rolling", message));
    }
    fields(faults, limit, wanted)
}

fn fields(faults: &mut Faults, limit: v1::Limit, wanted: impl Fn(&str) -> bool) -> LimitDraft {
    let mut draft = LimitDraft::default();
    if wanted("amount") {
        draft.amount = faults.take(amount(limit.amount));
    }
    match limit.window.filter(|_| wants_window(&wanted)) {
        Some(Window::Rolling(rolling)) => {
            draft.span = faults.take(window(rolling)).flatten().map(Span::Rolling);
        }
        Some(Window::Calendar(window)) => {
            draft.span = calendar(faults, &window).map(Span::Calendar);
        }
        None => {}
    }
    if wanted("models") {
        draft.models = Some(models(faults, &limit.models));
    }
    if wanted("mode") {
        draft.mode = mode(faults, limit.mode);
    }
    if wanted("offline_share") {
        let share = limit.offline_share;
        draft.offline = Some(share.and_then(|share| offline_share::parse(faults, share)));
    }
    let mut part = |name: &str, value, min, max| {
        let parsed =
            wanted(name).then(|| parse_millis(&format!("limit.{name}"), value, min, max))?;
        faults.take(parsed)
    };
    let (quarter, half) = (WINDOW_MAX / 4, WINDOW_MAX / 2);
    draft.validity = part(
        "block_validity",
        limit.block_validity,
        VALIDITY_MIN,
        quarter,
    );
    draft.start_within = part("start_within", limit.start_within, START_WITHIN_MIN, half);
    draft.blackout = part(
        "blackout_max",
        limit.blackout_max,
        Duration::ZERO,
        BLACKOUT_MAX,
    );
    draft.lease_duration_max = part(
        "lease_duration_max",
        limit.lease_duration_max,
        LEASE_DURATION_MIN,
        LEASE_DURATION_MAX_MAX,
    );
    draft
}

/// Where a window was given.
const fn field_of(window: &Window) -> &'static str {
    match window {
        Window::Rolling(_) => "limit.rolling",
        Window::Calendar(_) => "limit.calendar",
    }
}

/// The two kinds of window exclude each other, so naming one of them names the window.
fn wants_window(wanted: impl Fn(&str) -> bool) -> bool {
    wanted("rolling") || wanted("calendar")
}

fn amount(value: i64) -> Parsed<u64> {
    let max = AMOUNT_MAX.cast_signed();
    bounded("limit.amount", value, 1, max).map(i64::unsigned_abs)
}

fn window(rolling: prost_types::Duration) -> Parsed<Option<Duration>> {
    parse_millis("limit.rolling", Some(rolling), WINDOW_MIN, WINDOW_MAX)
}

fn calendar(faults: &mut Faults, window: &v1::CalendarWindow) -> Option<Calendar> {
    let period = match v1::CalendarPeriod::try_from(window.period) {
        Ok(v1::CalendarPeriod::Day) => Some(Period::Day),
        Ok(v1::CalendarPeriod::Month) => Some(Period::Month),
        Ok(v1::CalendarPeriod::Unspecified) | Err(_) => {
            faults.add(FieldError::new(
                "limit.calendar.period",
                "must be DAY or MONTH",
            ));
            None
        }
    };
    let zone = Zone::parse("limit.calendar.time_zone", &window.time_zone);
    let zone = faults.take(zone);
    Some(Calendar {
        period: period?,
        zone: zone?,
    })
}

fn models(faults: &mut Faults, texts: &[String]) -> Vec<Pattern> {
    if texts.len() > PATTERNS_MAX {
        let message = format!(
            "has {} patterns, at most {PATTERNS_MAX} are allowed",
            texts.len()
        );
        faults.add(FieldError::new("limit.models", message));
        return Vec::new();
    }
    let parse = |(i, text): (usize, &String)| {
        faults.take(Pattern::parse(&format!("limit.models[{i}]"), text))
    };
    texts.iter().enumerate().filter_map(parse).collect()
}

fn dimension(faults: &mut Faults, value: i32) -> Option<Dimension> {
    const FIELD: &str = "limit.dimension";
    match v1::LimitDimension::try_from(value) {
        Ok(v1::LimitDimension::Requests) => Some(Dimension::Requests),
        Ok(v1::LimitDimension::Tokens) => Some(Dimension::Tokens),
        Ok(v1::LimitDimension::InputTokens) => Some(Dimension::InputTokens),
        Ok(v1::LimitDimension::OutputTokens) => Some(Dimension::OutputTokens),
        Ok(v1::LimitDimension::Concurrency) => Some(Dimension::Concurrency),
        Ok(v1::LimitDimension::CostMicros) => Some(Dimension::CostMicros),
        Ok(v1::LimitDimension::Unspecified) | Err(_) => {
            let message =
                "must be REQUESTS, TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, COST_MICROS or CONCURRENCY";
            faults.add(FieldError::new(FIELD, message));
            None
        }
    }
}

fn mode(faults: &mut Faults, value: i32) -> Option<Mode> {
    match v1::LimitMode::try_from(value) {
        Ok(v1::LimitMode::Unspecified | v1::LimitMode::Enforce) => Some(Mode::Enforce),
        Ok(v1::LimitMode::Shadow) => Some(Mode::Shadow),
        Err(_) => {
            faults.add(FieldError::new("limit.mode", "must be ENFORCE or SHADOW"));
            None
        }
    }
}

#[cfg(test)]
#[path = "parse_limit_tests.rs"]
mod tests;
