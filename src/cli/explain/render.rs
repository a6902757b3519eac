//! An explanation as a person at 3 a.m. wants it: what a lease would get, then every key, why, the limits, and what to do.

use comfy_table::Color;
use prost_types::Timestamp;

use crate::cli::table::{self, Cell};
use crate::cli::{names, view, words};
use crate::proto::{
    ErrorReason, ExplainLeaseResponse, KeyExplanation, LimitExplanation, LimitMode, RefusalReason,
};

mod remedies;

use remedies::remedies;

/// The whole explanation.
pub(super) fn explanation(answer: &ExplainLeaseResponse) -> String {
    within(answer, table::width())
}

fn within(answer: &ExplainLeaseResponse, width: usize) -> String {
    let now = answer.explain_time.unwrap_or_else(words::now);
    let mut parts = vec![heading(answer, width)];
    if !answer.keys.is_empty() {
        parts.push(keys(answer, &now, width));
        parts.push(reasons(answer, width));
    }
    if !answer.limits.is_empty() {
        parts.push(limits(answer, &now, width));
    }
    let remedies = remedies(answer, width);
    if !remedies.is_empty() {
        parts.push(format!("What to do\n{remedies}"));
    }
    parts.join("\n\n")
}

fn heading(answer: &ExplainLeaseResponse, width: usize) -> String {
    let model = match answer.model.as_str() {
        "" => String::new(),
        model => format!(", model {}", words::printable(model)),
    };
    let time = words::time(answer.explain_time.as_ref());
    let result = if answer.reason() == ErrorReason::PoolDenied && !answer.keys.is_empty() {
        // Only who may read of the pool is shown keys here: an administrator, most often, who leases nothing.
        format!(
            "REFUSED POOL_DENIED: {} leases nothing from this pool; ask for one who does with --caller NAME. Below is what such a caller meets",
            answer.caller
        )
    } else if answer.chosen.is_empty() {
        let reason = answer.reason().as_str_name();
        let reason = reason.strip_prefix("ERROR_REASON_").unwrap_or(reason);
        format!("REFUSED {reason}: {}", words::printable(&answer.message))
    } else {
        format!("the next lease gets {}", answer.chosen)
    };
    let strategy = words::enum_value(answer.strategy().as_str_name(), "SELECTION_STRATEGY");
    let now = answer.explain_time.unwrap_or_else(words::now);
    let incidents = answer.incidents.iter().map(|i| view::incident(i, &now));
    let lines = [
        format!("{} for {}{model}  {time}", answer.pool, answer.caller),
        result,
        format!(
            "{strategy}, by {}; {} calls waiting",
            answer.replica, answer.waiting
        ),
    ];
    let lines = lines.into_iter().chain(incidents);
    let lines: Vec<String> = lines.map(|l| table::wrapped(&l, width, 2)).collect();
    lines.join("\n")
}

fn keys(answer: &ExplainLeaseResponse, now: &Timestamp, width: usize) -> String {
    let number = |number: i32| match number {
        0 => words::NOTHING.to_owned(),
        number => number.to_string(),
    };
    let rows = answer.keys.iter().map(|key| {
        [
            Cell::from(short(&key.key)),
            Cell::from(number(key.tier)),
            Cell::from(number(key.rank)),
            state(key),
            Cell::from(words::away(key.retry_time.as_ref(), now)),
            Cell::from(number(key.version)),
            Cell::from(key.weight.to_string()),
            Cell::from(words::number(key.recent_uses)),
        ]
    });
    let header = [
        "KEY", "TIER", "RANK", "STATE", "CLEARS", "VERSION", "WEIGHT", "RECENT",
    ];
    let table = table::within(width, &header, rows);
    omitted(table, answer.keys_omitted, "keys")
}

fn omitted(table: String, omitted: i32, what: &str) -> String {
    match omitted {
        0 => table,
        omitted => format!("{table}\nand {omitted} more {what}"),
    }
}

fn state(key: &KeyExplanation) -> Cell {
    if key.eligible {
        return Cell::from(if key.canary { "canary" } else { "eligible" });
    }
    let word = words::enum_value(key.reason().as_str_name(), "REFUSAL_REASON");
    let passes = key.retry_time.is_some();
    Cell::from(word).colored(if passes { Color::Yellow } else { Color::Red })
}

/// What the table has no room for: of every key, why.
fn reasons(answer: &ExplainLeaseResponse, width: usize) -> String {
    let lines = answer.keys.iter().flat_map(|key| {
        let name = short(&key.key);
        let sentence = move |reason: &String| format!("{name}: {}", words::printable(reason));
        let sentences = key.reasons.iter().map(sentence);
        sentences.map(|sentence| table::wrapped(&sentence, width, 2))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn limits(answer: &ExplainLeaseResponse, now: &Timestamp, width: usize) -> String {
    let rows = answer.limits.iter().map(|limit| {
        let remaining = limit.remaining.map(words::number);
        [
            Cell::from(short(&limit.limit)),
            limit_state(limit),
            Cell::from(words::number(limit.needed)),
            Cell::from(words::number(limit.at_hand)),
            Cell::from(remaining.unwrap_or_else(|| words::NOTHING.into())),
            Cell::from(words::number(limit.amount)),
            Cell::from(words::enum_value(
                limit.dimension().as_str_name(),
                "LIMIT_DIMENSION",
            )),
            Cell::from(words::away(limit.free_time.as_ref(), now)),
        ]
    });
    let header = [
        "LIMIT", "STATE", "NEEDS", "HELD", "LEFT", "OF", "WHAT", "FREE",
    ];
    let table = table::within(width, &header, rows);
    let slots = answer.limits.iter().filter_map(slot);
    let parts: Vec<String> = std::iter::once(omitted(table, answer.limits_omitted, "limits"))
        .chain(slots.map(|slot| table::wrapped(&slot, width, 2)))
        .collect();
    parts.join("\n")
}

fn limit_state(limit: &LimitExplanation) -> Cell {
    if limit.mode() == LimitMode::Shadow {
        let over = Cell::from("shadow, over").colored(Color::Yellow);
        return if limit.shadow_over {
            over
        } else {
            Cell::from("shadow")
        };
    }
    let reason = limit.reason();
    if reason == RefusalReason::Unspecified {
        return Cell::from("allows");
    }
    Cell::from(words::enum_value(reason.as_str_name(), "REFUSAL_REASON")).colored(Color::Yellow)
}

fn slot(limit: &LimitExplanation) -> Option<String> {
    let left = words::number(limit.slot_left?);
    let name = short(&limit.limit);
    Some(format!(
        "{name} offline: this replica would serve {left} more units if the database were away"
    ))
}

/// `accounts/openai/keys/main` is `openai/main` here.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        ["accounts", account, _, id] => format!("{account}/{id}"),
        ["accounts", account] => format!("{account}/?"),
        _ if name.is_empty() => "?".to_owned(),
        _ => names::split(name).1.to_owned(),
    }
}

#[cfg(test)]
mod tests;
