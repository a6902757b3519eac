//! How master keys are shown.

use crate::cli::{table, words};
use crate::proto::{GetMasterKeyStatusResponse, MasterKeyStatus, RewrapState, RewrapStatus};

/// The keys as a table, and below it how far the last rewrap is.
pub(super) fn status(status: &GetMasterKeyStatusResponse) -> String {
    let rows = status
        .master_keys
        .iter()
        .map(|key| row(key, status.replicas));
    let header = [
        "FINGERPRINT",
        "STATE",
        "REPLICAS",
        "SECRETS",
        "CLUSTER KEY",
        "WRAPS MADE",
    ];
    let keys = table::list(&header, rows, "no master keys");
    let rewrap = status.rewrap.as_ref().map(progress);
    let needed = status.rewrap_needed.then(|| needed(status));
    let parts = [Some(keys), rewrap, needed];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// What stays behind where nobody asks for a rewrap.
fn needed(status: &GetMasterKeyStatusResponse) -> String {
    let keys = status.master_keys.iter();
    let behind = keys.filter(|key| !key.promoted && (key.secrets > 0 || key.wraps_cluster_key));
    let lines = behind.map(|key| {
        let cluster_key = if key.wraps_cluster_key {
            " and the cluster key"
        } else {
            ""
        };
        let weak = if key.weak {
            ", which comes from a passphrase under weaker parameters than are right today"
        } else {
            ""
        };
        let (secrets, fingerprint) = (words::number(key.secrets), &key.fingerprint);
        format!(
            "a rewrap is needed (keylease master-key rewrap): {secrets} secrets{cluster_key} are wrapped with {fingerprint} still{weak}"
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn row(key: &MasterKeyStatus, replicas: i32) -> Vec<String> {
    let state = if key.retire_time.is_some() {
        "retired"
    } else if key.promoted {
        "promoted"
    } else if !key.present && (key.secrets > 0 || key.wraps_cluster_key) {
        "MISSING"
    } else if key.present {
        "present"
    } else {
        "known"
    };
    let yes = if key.wraps_cluster_key {
        "yes"
    } else {
        words::NOTHING
    };
    vec![
        key.fingerprint.clone(),
        state.to_owned(),
        format!("{} of {replicas}", key.holding),
        words::number(key.secrets),
        yes.to_owned(),
        words::number(key.wraps),
    ]
}

fn progress(rewrap: &RewrapStatus) -> String {
    let state = match rewrap.state() {
        RewrapState::Unspecified => "is in a state that this client does not know",
        RewrapState::Running => "runs",
        RewrapState::Done => "is done",
        RewrapState::Incomplete => "is incomplete: `keylease doctor` names what does not open",
        RewrapState::Exhausted => "ended, since the key must not wrap more: promote another",
        RewrapState::Cancelled => "was cancelled",
        RewrapState::Superseded => "ended, since another key was promoted",
    };
    let failed = if rewrap.failed > 0 {
        format!(", {} could not be", words::number(rewrap.failed))
    } else {
        String::new()
    };
    format!(
        "rewrap to {}: {} of {} data keys moved{failed}, at most {} a second; it {state}",
        rewrap.fingerprint,
        words::number(rewrap.rewrapped),
        words::number(rewrap.total),
        rewrap.rate_max
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_behind_under_a_weak_key_is_said_until_a_rewrap_moves_it() {
        let key = |fingerprint: &str, promoted, secrets| MasterKeyStatus {
            fingerprint: fingerprint.to_owned(),
            present: true,
            promoted,
            secrets,
            weak: !promoted,
            ..Default::default()
        };
        let mut shown = GetMasterKeyStatusResponse {
            master_keys: vec![key("mk_weak", false, 7), key("mk_strong", true, 1)],
            replicas: 1,
            rewrap_needed: true,
            ..Default::default()
        };
        let said = status(&shown);
        let needed = "a rewrap is needed (keylease master-key rewrap): 7 secrets are wrapped with mk_weak still, which comes from a passphrase under weaker";
        assert!(said.contains(needed), "{said}");
        shown.rewrap_needed = false;
        assert!(!status(&shown).contains("a rewrap is needed"));
    }
}
