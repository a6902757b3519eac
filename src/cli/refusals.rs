//! The detail of a refused lease: what keeps how many keys from serving.

use prost::Message as _;
use serde::Serialize;
use tonic::Status;

use super::words;
use crate::proto::{LeaseRefusal, RefusalReason};

/// Keys that one thing keeps from serving.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedKeys {
    pub(crate) reason: &'static str,
    pub(crate) count: i32,
    /// What clears first, by name; empty where limits are the matter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) resource: String,
    /// Why it does not serve.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
}

/// The counts of a refused lease, which tonic-types does not know.
pub(crate) fn refused_keys(status: &Status) -> Vec<RefusedKeys> {
    let Ok(rich) = tonic_types::pb::Status::decode(status.details()) else {
        return Vec::new();
    };
    let refusal = rich
        .details
        .iter()
        .find(|detail| detail.type_url.ends_with("/keylease.v1.LeaseRefusal"))
        .and_then(|detail| LeaseRefusal::decode(detail.value.as_slice()).ok());
    let refused = refusal.map(|refusal| refusal.refused).unwrap_or_default();
    refused
        .iter()
        .map(|keys| RefusedKeys {
            reason: refusal_word(keys.reason()),
            count: keys.count,
            resource: words::printable(&keys.resource),
            why: words::printable(&keys.why),
        })
        .collect()
}

/// What is the matter with a key, in the words of refusals.
pub(crate) fn refusal_word(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Unspecified => "for a reason this client does not know",
        RefusalReason::Limit => "at a limit of the account",
        RefusalReason::Cooling => "cooling down",
        RefusalReason::Provider => "of a provider that fails for everybody",
        RefusalReason::Dead => "dead (blacklisted)",
        RefusalReason::Disabled => "disabled",
        RefusalReason::Model => "not serving this model",
        RefusalReason::Tampered => "not believed: changed outside of keylease",
        RefusalReason::Undecryptable => "with a secret that does not open",
        RefusalReason::LimitUnread => "of an account with a limit that cannot be read",
        RefusalReason::NoVersion => "without a secret",
        RefusalReason::Avoided => "barred by the retry token",
        RefusalReason::TooLarge => "with a limit smaller than the need",
        RefusalReason::ModelRequired => "needing a model",
        RefusalReason::CostRequired => "needing a cost",
        RefusalReason::Unreachable => "with a limit that the database does not answer for",
        RefusalReason::Frozen => "frozen after a database failover",
    }
}
