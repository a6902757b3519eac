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
    let Some(rewrap) = &status.rewrap else {
        return keys;
    };
    format!("{keys}\n\n{}", progress(rewrap))
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
