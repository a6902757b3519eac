//! Conditions of single keys in words. They are named, never shown.

use super::{short, time};
use crate::domain::alerts::view::KeyFact;
use crate::domain::alerts::{Condition, Kind};
use crate::domain::health::FailureClass;
use crate::domain::time::Timestamp;

pub(in crate::domain::alerts) fn key_died(
    key: &KeyFact,
    until: Timestamp,
    class: FailureClass,
    now: Timestamp,
) -> Condition {
    let then = if until <= now {
        "a single canary lease tries it next".to_owned()
    } else {
        format!("no lease of it until {}", time(until))
    };
    let (name, class) = (&key.key, class.as_str());
    Condition::new(
        Kind::KeyDied,
        key.version_name(),
        format!(
            "version {} of {name} is dead ({class}): {then}",
            key.version
        ),
        format!(
            "look at the key at its provider, then rotate a new secret in (`keylease keys rotate {short}`), or clear its health if it \
             is well (`keylease keys clear-health {short}`)",
            short = short(name)
        ),
        Some(until),
    )
}

pub(in crate::domain::alerts) fn key_barred(key: &KeyFact) -> Condition {
    let name = &key.key;
    Condition::new(
        Kind::KeyBarred,
        key.version_name(),
        format!(
            "version {} of {name} is refused from where its callers are, again and again, while other keys of its provider are not",
            key.version
        ),
        format!(
            "add the callers' addresses to the allow list of its project at the provider, or take the key out (`keylease keys disable {}`)",
            short(name)
        ),
        None,
    )
}

pub(in crate::domain::alerts) fn key_undecryptable(
    key: &KeyFact,
    missing_key: Option<&str>,
) -> Condition {
    let (name, number) = (&key.key, key.version);
    let (summary, remedy) = match missing_key {
        Some(fingerprint) => (
            format!(
                "version {number} of {name} cannot be opened: a replica lacks master key {fingerprint}"
            ),
            "add the master key to the file of every replica and restart them; `keylease master-key status` shows which are needed"
                .to_owned(),
        ),
        None => (
            format!("version {number} of {name} cannot be opened: its rows are not what keylease wrote"),
            format!(
                "restore its rows, or rotate a new secret in (`keylease keys rotate {}`)",
                short(name)
            ),
        ),
    };
    Condition::new(
        Kind::KeyUndecryptable,
        key.version_name(),
        summary,
        remedy,
        None,
    )
}
