//! The keys of a pool's status, one line for each version that is not revoked.

use comfy_table::Color;
use prost_types::Timestamp;

use crate::cli::table::{self, Cell};
use crate::cli::{names, view, words};
use crate::proto::{Distrust, HealthState, Incident, KeyStatus, VersionStage, VersionStatus};

/// How much a state needs somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    Fine,
    Waiting,
    Bad,
}

/// How a key or version is: a word for the table, and a sentence where one is needed.
struct State {
    word: String,
    why: Option<String>,
    urgency: Urgency,
}

/// A line for each key, and one below for each further version of it.
pub(super) fn table(keys: &[KeyStatus], now: &Timestamp, width: usize) -> String {
    let rows = keys.iter().flat_map(|key| {
        let versions = versions(key);
        let first = key_row(key, versions.first().copied(), now);
        let rest = versions.into_iter().skip(1);
        std::iter::once(first).chain(rest.map(|version| version_row(version, now)))
    });
    let header = [
        "KEY", "TIER", "STATE", "VERSION", "LEASES", "LAST USE", "FAILS", "ROTATE",
    ];
    table::within(width, &header, rows)
}

/// What the table has no room for: of every key that does not serve, why, and until when.
pub(super) fn remarks(keys: &[KeyStatus], now: &Timestamp, width: usize) -> Option<String> {
    let remark = |key: &KeyStatus| {
        let state = key_state(key, versions(key).first().copied(), now);
        let text = format!("{}: {}", key_name(&key.key), state.why?);
        Some(table::wrapped(&text, width, 2))
    };
    let remarks: Vec<String> = keys.iter().filter_map(remark).collect();
    (!remarks.is_empty()).then(|| remarks.join("\n"))
}

/// The one that leases get comes first; the order among the others is the server's.
fn versions(key: &KeyStatus) -> Vec<&VersionStatus> {
    let mut versions: Vec<&VersionStatus> = key.versions.iter().collect();
    versions.sort_by_key(|version| version.stage() != VersionStage::Current);
    versions
}

fn key_row(key: &KeyStatus, version: Option<&VersionStatus>, now: &Timestamp) -> [Cell; 8] {
    let failures = version.map_or(0, |version| version.consecutive_failures);
    [
        Cell::from(key_name(&key.key)),
        Cell::from(key.tier.to_string()),
        key_state(key, version, now).cell(),
        Cell::from(version.map_or_else(|| words::NOTHING.into(), stage)),
        Cell::from(words::number(key.leases)),
        Cell::from(words::away(key.last_use_time.as_ref(), now)),
        Cell::from(failures.to_string()),
        next_rotation(key, now),
    ]
}

fn version_row(version: &VersionStatus, now: &Timestamp) -> [Cell; 8] {
    [
        Cell::from(""),
        Cell::from(""),
        version_state(version, now).cell(),
        Cell::from(stage(version)),
        Cell::from(""),
        Cell::from(""),
        Cell::from(version.consecutive_failures.to_string()),
        Cell::from(""),
    ]
}

impl State {
    fn fine(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            why: None,
            urgency: Urgency::Fine,
        }
    }

    fn cell(self) -> Cell {
        match self.urgency {
            Urgency::Fine => Cell::from(self.word),
            Urgency::Waiting => Cell::from(self.word).colored(Color::Yellow),
            Urgency::Bad => Cell::from(self.word).colored(Color::Red),
        }
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
    format!("{} {stage}", names::split(&version.version).1)
}

/// What keeps a key from serving: rows that are not believed, a person, its own health, then its account's.
fn key_state(key: &KeyStatus, version: Option<&VersionStatus>, now: &Timestamp) -> State {
    if let Some(distrust) = &key.distrust {
        return distrusted(distrust);
    }
    if let Some(disablement) = &key.disablement {
        let left = for_time(disablement.until.as_ref(), now);
        let why = words::printable(&disablement.reason);
        let by = match disablement.by.as_str() {
            "" => String::new(),
            by => format!(", by {by}"),
        };
        return State {
            word: "disabled".into(),
            why: Some(format!("disabled{left} ({why}{by})")),
            urgency: Urgency::Waiting,
        };
    }
    let Some(version) = version else {
        return State {
            word: "no secret".into(),
            why: Some("no secret: rotate one in".into()),
            urgency: Urgency::Bad,
        };
    };
    let own = version_state(version, now);
    if let (Some(breaker), None, Urgency::Fine) = (&key.breaker, &key.account_cooldown, own.urgency)
    {
        return failing(breaker, now);
    }
    match &key.account_cooldown {
        Some(cooldown) if own.urgency == Urgency::Fine => {
            let left = for_time(cooldown.until.as_ref(), now);
            let why = words::printable(&cooldown.why);
            State {
                word: "cooling".into(),
                why: Some(format!("account cooling{left} ({why})")),
                urgency: Urgency::Waiting,
            }
        }
        Some(_) | None => own,
    }
}

/// The line of the provider says why: it is the same for all its keys.
fn failing(breaker: &Incident, now: &Timestamp) -> State {
    let left = for_time(breaker.until_time.as_ref(), now);
    let provider = words::printable(&breaker.subject);
    State {
        word: "provider".into(),
        why: Some(format!("{provider} fails{left}")),
        urgency: Urgency::Waiting,
    }
}

fn distrusted(distrust: &Distrust) -> State {
    let word = view::distrusted(distrust);
    State {
        why: Some(format!("{word}: {}", words::printable(&distrust.why))),
        word,
        urgency: Urgency::Bad,
    }
}

fn version_state(version: &VersionStatus, now: &Timestamp) -> State {
    if let Some(distrust) = &version.distrust {
        return distrusted(distrust);
    }
    let unknown = || State {
        urgency: Urgency::Waiting,
        ..State::fine("unknown")
    };
    let Some(health) = &version.health else {
        return unknown();
    };
    let (word, urgency) = match health.state() {
        HealthState::Active => return State::fine("active"),
        HealthState::Unspecified => return unknown(),
        HealthState::Cooling => ("cooling", Urgency::Waiting),
        HealthState::Dead => ("dead", Urgency::Bad),
    };
    let left = for_time(health.until.as_ref(), now);
    let doubt = if health.unconfirmed {
        ", unconfirmed"
    } else {
        ""
    };
    let why = words::printable(&health.why);
    State {
        word: word.into(),
        why: Some(format!("{word}{left}{doubt} ({why})")),
        urgency,
    }
}

/// " for 23 h 59 m", or what comes when the time is over.
pub(super) fn for_time(until: Option<&Timestamp>, now: &Timestamp) -> String {
    match until.map(|until| words::until(until, now)) {
        Some(Some(left)) => format!(" for {}", words::duration(left)),
        Some(None) => ", its time is over".into(),
        None => String::new(),
    }
}

fn next_rotation(key: &KeyStatus, now: &Timestamp) -> Cell {
    let due = words::away(key.next_rotation_time.as_ref(), now);
    if key.rotation_overdue {
        return Cell::from(format!("OVERDUE {due}")).colored(Color::Red);
    }
    Cell::from(due)
}

#[cfg(test)]
mod tests;
