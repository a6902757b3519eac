//! The keys of a pool's status, one line for each version that is not revoked.

use comfy_table::{Cell, Color};
use prost_types::Timestamp;

use crate::cli::{names, output, words};
use crate::proto::{HealthState, KeyStatus, VersionStage, VersionStatus};

/// How much a state needs somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    Fine,
    Waiting,
    Bad,
}

/// A line for each key, and one below for each further version of it.
pub(super) fn table(keys: &[KeyStatus], now: &Timestamp) -> String {
    let rows = keys.iter().flat_map(|key| {
        let mut versions: Vec<&VersionStatus> = key.versions.iter().collect();
        // The one that leases get comes first; the order among the others is the server's.
        versions.sort_by_key(|version| version.stage() != VersionStage::Current);
        let first = key_row(key, versions.first().copied(), now);
        let rest = versions.into_iter().skip(1);
        std::iter::once(first).chain(rest.map(|version| version_row(version, now)))
    });
    let header = [
        "TIER",
        "KEY",
        "STATE",
        "STAGE",
        "LEASES",
        "LAST USE",
        "FAILURES",
        "NEXT ROTATION",
    ];
    output::table(&header, rows).trim_fmt()
}

fn key_row(key: &KeyStatus, version: Option<&VersionStatus>, now: &Timestamp) -> Vec<Cell> {
    let (state, urgency) = key_state(key, version, now);
    let failures = version.map_or(0, |version| version.consecutive_failures);
    vec![
        Cell::new(key.tier),
        Cell::new(key_name(&key.key)),
        coloured(state, urgency),
        Cell::new(version.map_or_else(|| words::NOTHING.into(), stage)),
        Cell::new(words::number(key.leases)),
        Cell::new(words::ago(key.last_use_time.as_ref(), now)),
        Cell::new(failures),
        next_rotation(key, now),
    ]
}

fn version_row(version: &VersionStatus, now: &Timestamp) -> Vec<Cell> {
    let (state, urgency) = version_state(version, now);
    let mut row = vec![
        Cell::new(""),
        Cell::new(""),
        coloured(state, urgency),
        Cell::new(stage(version)),
        Cell::new(""),
        Cell::new(""),
        Cell::new(version.consecutive_failures),
    ];
    row.push(Cell::new(""));
    row
}

fn coloured(text: String, urgency: Urgency) -> Cell {
    match urgency {
        Urgency::Fine => Cell::new(text),
        Urgency::Waiting => Cell::new(text).fg(Color::Yellow),
        Urgency::Bad => Cell::new(text).fg(Color::Red),
    }
}

/// `accounts/openai/keys/main` is `openai/main` here.
fn key_name(name: &str) -> String {
    let (account, id) = names::split(name);
    format!(
        "{}/{id}",
        account.strip_prefix("accounts/").unwrap_or(account)
    )
}

fn stage(version: &VersionStatus) -> String {
    let stage = words::enum_value(version.stage().as_str_name(), "VERSION_STAGE");
    format!("{stage} v{}", names::split(&version.version).1)
}

/// What keeps a key from serving: a person first, then its own health, then its account's.
fn key_state(
    key: &KeyStatus,
    version: Option<&VersionStatus>,
    now: &Timestamp,
) -> (String, Urgency) {
    if let Some(disablement) = &key.disablement {
        let left = for_time(disablement.until.as_ref(), now);
        let why = words::printable(&disablement.reason);
        let by = match disablement.by.as_str() {
            "" => String::new(),
            by => format!(", by {by}"),
        };
        return (format!("disabled{left} ({why}{by})"), Urgency::Waiting);
    }
    let Some(version) = version else {
        return ("no secret: rotate one in".into(), Urgency::Bad);
    };
    let own = version_state(version, now);
    match &key.account_cooldown {
        Some(cooldown) if own.1 == Urgency::Fine => {
            let left = for_time(cooldown.until.as_ref(), now);
            let why = words::printable(&cooldown.why);
            (format!("account cooling{left} ({why})"), Urgency::Waiting)
        }
        Some(_) | None => own,
    }
}

fn version_state(version: &VersionStatus, now: &Timestamp) -> (String, Urgency) {
    let Some(health) = &version.health else {
        return ("unknown".into(), Urgency::Waiting);
    };
    let (word, urgency) = match health.state() {
        HealthState::Active => return ("active".into(), Urgency::Fine),
        HealthState::Unspecified => return ("unknown".into(), Urgency::Waiting),
        HealthState::Cooling => ("cooling", Urgency::Waiting),
        HealthState::Dead => ("dead", Urgency::Bad),
    };
    let left = for_time(health.until.as_ref(), now);
    (
        format!("{word}{left} ({})", words::printable(&health.why)),
        urgency,
    )
}

/// " for 23 h 59 m", or what comes when the time is over.
fn for_time(until: Option<&Timestamp>, now: &Timestamp) -> String {
    match until.map(|until| words::until(until, now)) {
        Some(Some(left)) => format!(" for {}", words::duration(left)),
        Some(None) => ", its time is over".into(),
        None => String::new(),
    }
}

fn next_rotation(key: &KeyStatus, now: &Timestamp) -> Cell {
    let due = key.next_rotation_time.as_ref();
    if key.rotation_overdue {
        let since = due.and_then(|due| words::until(now, due));
        let since = since.map(|since| format!(" by {}", words::duration(since)));
        let text = format!("OVERDUE{}", since.unwrap_or_default());
        return Cell::new(text).fg(Color::Red);
    }
    Cell::new(words::ahead(due, now))
}

#[cfg(test)]
mod tests;
