//! Limits as tables.

use crate::cli::view::distrusted;
use crate::cli::{names, output, table, words};
use crate::proto::{Limit, LimitDimension, LimitMode, limit::Window};

/// One limit.
pub(super) fn one(limit: &Limit) -> String {
    output::details(&[
        ("name", limit.name.clone()),
        ("limit", what(limit)),
        ("models", models(limit)),
        ("mode", mode(limit)),
        (
            "block validity",
            words::proto_duration(limit.block_validity.as_ref()),
        ),
        (
            "start within",
            words::proto_duration(limit.start_within.as_ref()),
        ),
        (
            "blackout",
            words::proto_duration(limit.blackout_max.as_ref()),
        ),
        (
            "longest lease",
            words::proto_duration(limit.lease_duration_max.as_ref()),
        ),
        ("offline share", offline_share(limit)),
        ("created", words::time(limit.create_time.as_ref())),
        ("updated", words::time(limit.update_time.as_ref())),
        ("uid", limit.uid.clone()),
        ("etag", limit.etag.clone()),
    ])
}

/// Several limits.
pub(super) fn list(limits: &[Limit]) -> String {
    let rows = limits
        .iter()
        .map(|limit| [short(&limit.name), what(limit), models(limit), mode(limit)]);
    table::list(&["NAME", "LIMIT", "MODELS", "MODE"], rows, "no limits")
}

/// `accounts/openai/limits/rpm` is `openai/rpm` here, as every verb takes it.
pub(super) fn short(name: &str) -> String {
    let (owner, id) = names::split(name);
    match owner.strip_prefix("accounts/") {
        Some(account) => format!("{account}/{id}"),
        None => name.to_owned(),
    }
}

/// A limit on one line, under its account.
pub(crate) fn summary(limit: &Limit) -> String {
    let id = names::split(&limit.name).1;
    if limit.distrust.is_some() {
        return format!("{id}: {}", what(limit));
    }
    let models = if limit.models.is_empty() {
        String::new()
    } else {
        format!(" of {}", models(limit))
    };
    format!("{id}: {}{models}, {}", what(limit), mode(limit))
}

/// Amount, dimension and window: "600 requests in any 1 m".
pub(crate) fn what(limit: &Limit) -> String {
    if let Some(distrust) = &limit.distrust {
        return format!("{}, {}", distrusted(distrust), distrust.why);
    }
    let dimension = words::enum_value(limit.dimension().as_str_name(), "LIMIT_DIMENSION");
    let amount = words::number(limit.amount);
    match &limit.window {
        Some(Window::Rolling(window)) => {
            format!(
                "{amount} {dimension} in any {}",
                words::proto_duration(Some(window))
            )
        }
        Some(Window::Calendar(calendar)) => {
            let period = words::enum_value(calendar.period().as_str_name(), "CALENDAR_PERIOD");
            format!("{amount} {dimension} a {period} ({})", calendar.time_zone)
        }
        None if limit.dimension() == LimitDimension::Concurrency => {
            format!("{amount} under way at one time")
        }
        None => format!("{amount} {dimension}"),
    }
}

fn models(limit: &Limit) -> String {
    if limit.distrust.is_some() {
        return "not known".into();
    }
    if limit.models.is_empty() {
        "all".into()
    } else {
        limit.models.join(", ")
    }
}

fn offline_share(limit: &Limit) -> String {
    let Some(share) = &limit.offline_share else {
        return "none".into();
    };
    format!(
        "{} % in {} slots, for {} without the database",
        share.percent,
        share.slots,
        words::proto_duration(share.outage_max.as_ref())
    )
}

fn mode(limit: &Limit) -> String {
    if limit.distrust.is_some() {
        return "not known".into();
    }
    let shadow = limit.mode() == LimitMode::Shadow;
    if shadow { "shadow" } else { "enforced" }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_minute() -> Limit {
        Limit {
            amount: 90_000,
            window: Some(Window::Rolling(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            })),
            ..Limit::default()
        }
    }

    #[test]
    fn a_limit_reads_as_a_sentence() {
        let limit = Limit {
            name: "accounts/a/limits/rpm".into(),
            dimension: LimitDimension::InputTokens as i32,
            ..a_minute()
        };
        assert_eq!(
            summary(&limit),
            "rpm: 90,000 input tokens in any 1 m, enforced"
        );
    }

    #[test]
    fn an_ordinary_limit_is_shown_whole_in_eighty_columns() {
        let limit = Limit {
            name: "accounts/openai/limits/requests-per-minute".into(),
            dimension: LimitDimension::OutputTokens as i32,
            ..a_minute()
        };
        let text = list(&[limit]);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(text.contains("openai/requests-per-minute"), "{text}");
        assert!(!text.contains('…'), "{text}");
    }
}
