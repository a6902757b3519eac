//! Keys and versions as tables.

use crate::cli::view::{disablement, distrust, distrusted, paragraph, rotation_interval, state};
use crate::cli::{names, output, table, words};
use crate::proto::{
    FailureClass, Health, HealthChange, HealthState, Key, KeyVersion, ProbeKeyResponse,
};

/// One key.
pub(super) fn one(key: &Key) -> String {
    output::details(&[
        ("name", key.name.clone()),
        ("current version", key.current_version.clone()),
        ("models", models(key)),
        ("model map", words::pairs(&key.model_map)),
        (
            "rotation interval",
            rotation_interval(key.rotation_policy.as_ref()),
        ),
        ("next rotation", next_rotation(key)),
        ("state", paragraph(&disablement(key.disablement.as_ref()))),
        ("not believed", distrust(key.distrust.as_ref())),
        ("labels", words::pairs(&key.labels)),
        ("created", words::time(key.create_time.as_ref())),
        ("updated", words::time(key.update_time.as_ref())),
        ("uid", key.uid.clone()),
        ("etag", key.etag.clone()),
    ])
}

/// Several keys.
pub(super) fn list(keys: &[Key]) -> String {
    let rows = keys.iter().map(|key| {
        vec![
            key.name.clone(),
            version_number(&key.current_version),
            state(key.distrust.as_ref(), key.disablement.as_ref()),
            models(key),
            next_rotation(key),
            words::pairs(&key.labels),
        ]
    });
    let header = ["NAME", "VERSION", "STATE", "MODELS", "ROTATION", "LABELS"];
    table::list(&header, rows, "no keys")
}

/// The versions of a key, and below the table until when and why each one does not serve.
pub(super) fn versions(versions: &[KeyVersion]) -> String {
    let rows = versions.iter().map(|version| {
        vec![
            version_number(&version.name),
            words::enum_value(version.stage().as_str_name(), "VERSION_STAGE"),
            words::date(version.create_time.as_ref()),
            words::date(version.promote_time.as_ref()),
            words::date(version.revoke_time.as_ref()),
            health(version),
            version.master_key_fingerprint.clone(),
        ]
    });
    let header = [
        "VERSION",
        "STAGE",
        "CREATED",
        "PROMOTED",
        "REVOKED",
        "HEALTH",
        "MASTER KEY",
    ];
    let mut text = table::list(&header, rows, "no versions");
    let out = versions.iter().filter_map(out_of_service);
    for out in out.chain(versions.iter().filter_map(probes)) {
        text += "\n";
        text += &table::wrapped(&out, table::width(), 2);
    }
    text
}

/// What a provider said of a key.
pub(super) fn probed(answer: &ProbeKeyResponse) -> String {
    let probe = answer.probe.clone().unwrap_or_default();
    let health = answer.health.clone().unwrap_or_default();
    let class = answer.failure_class();
    let class = if class == FailureClass::Unspecified {
        words::NOTHING.into()
    } else {
        words::enum_value(class.as_str_name(), "FAILURE_CLASS")
    };
    output::details(&[
        ("version", answer.version.clone()),
        (
            "result",
            words::enum_value(probe.result().as_str_name(), "PROBE_RESULT"),
        ),
        ("why", words::printable(&probe.why)),
        ("class", class),
        ("took", words::proto_duration(probe.took.as_ref())),
        (
            "health",
            words::enum_value(health.state().as_str_name(), "HEALTH_STATE"),
        ),
    ])
}

/// The last probe of a version, and when the next one is due; none where there was none, and none is.
fn probes(version: &KeyVersion) -> Option<String> {
    let number = version_number(&version.name);
    let last = version.last_probe.as_ref().map(|probe| {
        let result = words::enum_value(probe.result().as_str_name(), "PROBE_RESULT");
        let (time, why) = (words::time(probe.time.as_ref()), &probe.why);
        format!("last probe {time}: {result} ({})", words::printable(why))
    });
    let next = version.next_probe_time.as_ref();
    let next = next.map(|time| format!("next probe {}", words::time(Some(time))));
    let said: Vec<String> = last.into_iter().chain(next).collect();
    (!said.is_empty()).then(|| format!("version {number}: {}", said.join("; ")))
}

/// What became of the health of a key's versions.
pub(super) fn health_changes(changes: &[HealthChange]) -> String {
    let state = |state: HealthState| words::enum_value(state.as_str_name(), "HEALTH_STATE");
    let rows = changes.iter().map(|change| {
        let to = change.to.clone().unwrap_or_default();
        vec![
            words::time(change.change_time.as_ref()),
            version_number(&change.version),
            state(change.from()),
            doubted(state(to.state()), &to),
            words::time(to.until.as_ref()),
            words::printable(&to.why),
            words::printable(&change.by),
        ]
    });
    let header = ["TIME", "VERSION", "FROM", "TO", "UNTIL", "WHY", "BY"];
    table::list(&header, rows, "no changes of health")
}

pub(crate) fn version_number(name: &str) -> String {
    if name.is_empty() {
        return words::NOTHING.into();
    }
    names::split(name).1.to_owned()
}

fn models(key: &Key) -> String {
    let allowed = if key.model_allow.is_empty() {
        "all".to_owned()
    } else {
        key.model_allow.join(", ")
    };
    if key.model_deny.is_empty() {
        return allowed;
    }
    format!("{allowed} but {}", key.model_deny.join(", "))
}

fn next_rotation(key: &Key) -> String {
    if key.rotation_overdue {
        let since = words::ago(key.next_rotation_time.as_ref(), &words::now());
        return format!("OVERDUE {since}");
    }
    words::ahead(key.next_rotation_time.as_ref(), &words::now())
}

/// In a word.
fn health(version: &KeyVersion) -> String {
    if let Some(distrust) = &version.distrust {
        return distrusted(distrust);
    }
    let state = |health: &Health| words::enum_value(health.state().as_str_name(), "HEALTH_STATE");
    version.health.as_ref().map_or(words::NOTHING.into(), state)
}

/// Dead or cooling, and whether that is one caller's word alone so far.
fn doubted(state: String, health: &Health) -> String {
    if health.unconfirmed {
        return format!("{state}, unconfirmed");
    }
    state
}

/// Until when and why a version does not serve; none for one that does, or that is not believed.
fn out_of_service(version: &KeyVersion) -> Option<String> {
    let health = version.health.as_ref()?;
    let is_out = version.distrust.is_none() && health.state() != HealthState::Active;
    is_out.then(|| {
        let number = version_number(&version.name);
        let state = words::enum_value(health.state().as_str_name(), "HEALTH_STATE");
        let until = words::time(health.until.as_ref());
        let why = words::printable(&health.why);
        let state = doubted(state, health);
        format!("version {number}: {state} until {until}: {why}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_when_a_version_is_dead_is_whole_in_the_usual_width() {
        let health = Health {
            state: HealthState::Dead as i32,
            until: "2027-03-04T05:06:07Z".parse().ok(),
            why: "the provider said that the key is not valid, at length ".repeat(3),
            ..Health::default()
        };
        let version = KeyVersion {
            name: "accounts/a/keys/k/versions/3".to_owned(),
            master_key_fingerprint: "mk_0123456789abcdef".to_owned(),
            health: Some(health),
            ..KeyVersion::default()
        };
        let text = versions(&[version]);
        assert!(
            text.contains("version 3: dead until 2027-03-04T05:06:07Z: the provider"),
            "{text}"
        );
    }
}
