//! What keeps a pool from serving, in sentences that name the limit or the key, the bound, and the remedy.

use std::time::{Duration, SystemTime};

use super::refusal_messages::rounded;
use crate::domain::hindrance::{Hindrance, LimitHindrance};
use crate::domain::limit::Limit;
use crate::domain::refusal::KeyRefusal;
use crate::domain::terms::Span;
use crate::domain::time::Timestamp;

/// Patterns of models that are named; one may have 256 bytes, and there may be 64.
const PATTERN_CHARS_MAX: usize = 64;
/// The longest cause that is told; a person may have written 512 bytes.
const WHY_CHARS_MAX: usize = 512;

/// One hindrance as a sentence.
pub(super) fn sentence(hindrance: &Hindrance, now: Timestamp) -> String {
    match hindrance {
        Hindrance::Limit(limit) => format!("{} {}", limit.name, description(limit, now)),
        Hindrance::Ailing {
            resource, cause, ..
        } => format!("{resource} until {}: {}", time(cause.until), cause.why),
        Hindrance::Disabled { resource, word } => match word.until {
            Some(until) => format!("{resource} until {}: {}", time(until), word.why),
            None => format!("{resource}: {}", word.why),
        },
    }
}

/// Each limit that says no, by name, with its bound, what was needed, and when that much is free.
pub(super) fn violations(
    hindrances: &[Hindrance],
    now: Timestamp,
) -> impl Iterator<Item = (String, String)> {
    hindrances
        .iter()
        .filter_map(move |hindrance| match hindrance {
            Hindrance::Limit(limit) => Some((limit.name.to_string(), description(limit, now))),
            Hindrance::Ailing { .. } | Hindrance::Disabled { .. } => None,
        })
}

/// The key or account that clears first, and why it does not serve. Limits are told in QuotaFailure.
pub(super) fn cause(hindrance: &Hindrance) -> (String, String) {
    let why = |why: &str| why.chars().take(WHY_CHARS_MAX).collect();
    match hindrance {
        Hindrance::Limit(_) => Default::default(),
        Hindrance::Ailing {
            resource, cause, ..
        } => (resource.clone(), why(&cause.why)),
        Hindrance::Disabled { resource, word } => (resource.clone(), why(&word.why)),
    }
}

fn description(hindrance: &LimitHindrance, now: Timestamp) -> String {
    let LimitHindrance { limit, needed, .. } = hindrance;
    let bound = bound(limit);
    let clears = hindrance.clears.map(|at| at.since(now));
    let when = clears.map(|after| rounded(after).to_string());
    let when = when.unwrap_or_else(|| "a while".to_owned());
    match hindrance.refusal {
        KeyRefusal::TooLarge => {
            format!("allows {bound}, and one use needs {needed} by its estimate")
        }
        KeyRefusal::ModelRequired => format!("allows {bound}, and the call names no model"),
        KeyRefusal::CostRequired => match &hindrance.no_price {
            Some(no_price) => format!("allows {bound}, and {no_price}"),
            None => format!("allows {bound}, and nobody says what one use costs"),
        },
        KeyRefusal::Frozen => format!(
            "allows {bound}, and is frozen for {when}: the database lost writes, so what is charged is not known"
        ),
        KeyRefusal::Unreachable => format!(
            "allows {bound}, and the database does not answer for it, asked again in {when}"
        ),
        KeyRefusal::Limit
        | KeyRefusal::Cooling
        | KeyRefusal::Provider
        | KeyRefusal::Dead
        | KeyRefusal::Tampered
        | KeyRefusal::LimitUnread
        | KeyRefusal::Undecryptable
        | KeyRefusal::Avoided
        | KeyRefusal::Disabled
        | KeyRefusal::NoVersion
        | KeyRefusal::Model => {
            // What is held comes back with a report, and nobody knows when one comes.
            let when = match limit.span {
                Span::Held(_) => format!("free in {when} at the latest, and as soon as one ends"),
                Span::Rolling(_) | Span::Calendar(_) => format!("free in {when}"),
            };
            format!("allows {bound}, one use needs {needed}, {when}")
        }
    }
}

/// What a limit allows: `600 requests in any 1m of models gpt-4*`.
fn bound(limit: &Limit) -> String {
    let (amount, dimension) = (limit.amount, limit.dimension.as_str().replace('_', " "));
    let bound = match limit.span {
        Span::Rolling(window) => {
            let window = humantime::format_duration(window);
            format!("{amount} {dimension} in any {window}")
        }
        Span::Calendar(calendar) => {
            let (period, zone) = (calendar.period.as_str(), calendar.zone.as_str());
            format!("{amount} {dimension} a {period} ({zone})")
        }
        Span::Held(_) => format!("{amount} under way at one time"),
    };
    let Some(first) = limit.models.first() else {
        return bound;
    };
    let first: String = first.as_str().chars().take(PATTERN_CHARS_MAX).collect();
    match limit.models.len() {
        1 => format!("{bound} of models {first}"),
        count => format!("{bound} of models {first} and {} more", count - 1),
    }
}

/// A time for people: RFC 3339, in whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    let since = Duration::from_micros(at.micros().unsigned_abs());
    // What does not fit the calendar is so far away that it never comes.
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    let never = || "the end of time".to_owned();
    let in_calendar = |time: &SystemTime| {
        let year_9999 = Duration::from_secs(253_402_300_799);
        time.duration_since(SystemTime::UNIX_EPOCH)
            .is_ok_and(|since| since < year_9999)
    };
    time.filter(in_calendar).map_or_else(never, |time| {
        humantime::format_rfc3339_seconds(time).to_string()
    })
}

#[cfg(test)]
#[path = "hindrance_messages_tests.rs"]
mod tests;
