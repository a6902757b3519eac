//! Conditions in words: what is so, and what to do. Keys are named, never shown.

use std::time::Duration;

use super::view::{ModelOut, PoolFact};
use super::{Condition, Kind, VAULT};
use crate::domain::name::{KeyName, PoolName};
use crate::domain::time::Timestamp;

mod keys;
mod providers;
mod rotations;

pub(super) use keys::{key_barred, key_died, key_undecryptable};
pub(super) use providers::{journal_behind, limit_differs, mass_failure, quota_spent};
pub(super) use rotations::{rotation_due, rotation_failed, rotation_overdue};

/// The most resources that are named of many.
const NAMED_MAX: usize = 3;
/// The end of the year 9999, beyond which no time is written.
const WRITTEN_MAX: Duration = Duration::from_secs(253_402_300_799);

pub(super) fn pool_exhausted(pool: &PoolFact) -> Condition {
    let name = PoolName(pool.pool.clone());
    let until = pool.serves_at;
    let end = until.map_or_else(
        || "and none comes back by itself".to_owned(),
        |at| format!("the first may at {}", time(at)),
    );
    let (keys, why) = (pool.keys, standing(pool));
    Condition::new(
        Kind::PoolExhausted,
        &name,
        format!(
            "no key of {name} can serve: of {} {why}; {end}",
            count(keys)
        ),
        explain(pool, "add keys that are well"),
        until,
    )
}

/// Where its keys serve other models.
pub(super) fn models_exhausted(pool: &PoolFact, longest: &ModelOut) -> Condition {
    let name = PoolName(pool.pool.clone());
    let until = longest.serves_at;
    let end = until.map_or_else(
        || "and none comes back by itself".to_owned(),
        |at| format!("the first may at {}", time(at)),
    );
    let model = longest.model.as_ref().map_or_else(
        || "leases that name no model".to_owned(),
        |model| format!("model {model}"),
    );
    let others = match pool.models_out.len() - 1 {
        0 => String::new(),
        others => format!(" (nor {others} more)"),
    };
    Condition::new(
        Kind::PoolExhausted,
        &name,
        format!("no key of {name} can serve {model}{others}: its budgets are spent; {end}"),
        explain(pool, "add keys of accounts that have some left"),
        until,
    )
}

pub(super) fn last_healthy_key(pool: &PoolFact) -> Condition {
    let name = PoolName(pool.pool.clone());
    let (keys, healthy, why) = (pool.keys, pool.well(), standing(pool));
    Condition::new(
        Kind::LastHealthyKey,
        &name,
        format!("{name} has {healthy} healthy key of {keys}: {why}"),
        explain(
            pool,
            "add keys, or bring others back, before the last one fails",
        ),
        None,
    )
}

pub(super) fn few_healthy_keys(pool: &PoolFact, min: u32) -> Condition {
    let name = PoolName(pool.pool.clone());
    let (keys, healthy, why) = (pool.keys, pool.well(), standing(pool));
    Condition::new(
        Kind::FewHealthyKeys,
        &name,
        format!(
            "{name} has {healthy} healthy of {}, and wants at least {min}: {why}",
            count(keys)
        ),
        explain(
            pool,
            "add keys, or want fewer (`keylease pools update --healthy-keys-min`)",
        ),
        None,
    )
}

pub(super) fn rows_distrusted(kind: &str, rows: usize) -> Condition {
    let what = kind.replace('_', " ");
    Condition::new(
        Kind::RowsDistrusted,
        what.replace(' ', "-"),
        format!("{rows} rows of kind {what} are not what keylease wrote, or cannot be read, and are left out"),
        "find out who wrote to the database, and restore the rows, or delete them and create them anew; the log names each"
            .to_owned(),
        None,
    )
}

/// One condition for many of a kind.
pub(super) fn together<'a>(
    kind: Kind,
    resource: &str,
    conditions: impl ExactSizeIterator<Item = &'a Condition> + Clone,
) -> Condition {
    let total = conditions.len();
    let named: Vec<&str> = conditions
        .clone()
        .take(NAMED_MAX)
        .map(|condition| condition.name.resource.as_str())
        .collect();
    let of = if resource == VAULT {
        String::new()
    } else {
        format!(" of {resource}")
    };
    let until = conditions.clone().filter_map(|c| c.until).min();
    let remedy = conditions.clone().next().map(|c| c.remedy.clone());
    let (what, state) = match kind {
        Kind::KeyDied => ("keys", "are dead"),
        Kind::KeyBarred => ("keys", "are refused from where their callers are"),
        Kind::LastHealthyKey => ("pools", "have one healthy key left"),
        Kind::FewHealthyKeys => ("pools", "have fewer healthy keys than wanted"),
        Kind::PoolExhausted => ("pools", "can serve no lease"),
        Kind::QuotaSpent => ("accounts", "have spent a quota"),
        Kind::RotationDue => ("keys", "have to be rotated soon"),
        Kind::RotationOverdue => ("keys", "are overdue for rotation"),
        Kind::RotationFailed => ("rotations", "wait, fail again and again, or were undone"),
        Kind::KeyUndecryptable => ("keys", "cannot be opened"),
        Kind::RowsDistrusted => ("kinds of rows", "are not believed"),
        Kind::LimitDiffers => ("limits", "are not what their provider states"),
        Kind::JournalBehind => ("journals", "are behind"),
        Kind::MassFailure => ("providers or pools", "fail for several keys at once"),
    };
    Condition::new(
        kind,
        resource,
        format!("{total} {what}{of} {state}, such as {}", named.join(", ")),
        remedy.map_or_else(String::new, |remedy| format!("of each: {remedy}")),
        until,
    )
}

/// Why the keys of a pool that cannot serve cannot.
fn standing(pool: &PoolFact) -> String {
    let known = pool.well() + pool.due + pool.cooling + pool.dead + pool.disabled;
    let others = pool.keys.saturating_sub(known);
    let counts = [
        (pool.spent, "out of a limit of their account"),
        (pool.shut, "of a provider that fails"),
        (pool.due, "to be tried by a canary lease"),
        (pool.dead, "dead"),
        (pool.cooling, "cooling"),
        (pool.disabled, "disabled"),
        (others, "without a usable secret"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    told.join(", ")
}

fn explain(pool: &PoolFact, otherwise: &str) -> String {
    format!(
        "`keylease status {pool}` and `keylease explain {pool}` say why; {otherwise}",
        pool = pool.pool
    )
}

fn count(keys: usize) -> String {
    match keys {
        1 => "1 key".to_owned(),
        _ => format!("{keys} keys"),
    }
}

/// As the client's verbs take it.
fn short(key: &KeyName) -> String {
    format!("{}/{}", key.account, key.key)
}

/// A time as people read it, to the second; the last one that can be written, where it is later.
pub(super) fn time(at: Timestamp) -> String {
    let since = at.since(Timestamp::from_micros(0)).min(WRITTEN_MAX);
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}
