//! What the log tells of verdicts: a key that is taken out, or is back, by whatever a caller reported. The reasons are scrubbed already.

use crate::domain::health::{Cause, Health};
use crate::domain::incident::{Incident, IncidentKind};
use crate::domain::name::{AccountName, KeyName};
use crate::domain::time::Timestamp;
use crate::live::snapshot::{AccountEntry, VersionEntry};
use crate::metric_names;

/// A version of a key is well, cools down, or is dead.
pub(super) fn tell_of_health(account: &AccountEntry, version: &VersionEntry, health: &Health) {
    let (key, version) = key_of(account, version);
    match health {
        Health::Active => tracing::info!(key, version, "a key serves again"),
        Health::Cooling(cause) => {
            let (why, until) = (cause.why.as_str(), time(cause.until));
            tracing::info!(key, version, why, %until, "a key cools down");
        }
        Health::Dead(cause) if cause.accuser.is_some() => {
            let (why, until) = (cause.why.as_str(), time(cause.until));
            tracing::info!(key, version, why, %until, "a key is accused by one caller, it is not leased until somebody else has tried it");
        }
        Health::Dead(cause) => {
            let (why, until) = (cause.why.as_str(), time(cause.until));
            tracing::info!(key, version, why, %until, "a key is dead, it is not leased");
        }
    }
}

/// Which key it is, and which version of it.
pub(super) fn key_of(account: &AccountEntry, version: &VersionEntry) -> (String, u32) {
    let key = KeyName {
        account: account.account.id.clone(),
        key: version.key.id.clone(),
    };
    (key.to_string(), version.version.number)
}

/// An account cools down, for one model where that is named.
pub(super) fn tell_of_cooling(account: &AccountEntry, model: &str, cause: &Cause) {
    let account = AccountName(account.account.id.clone()).to_string();
    let (why, until) = (cause.why.as_str(), time(cause.until));
    if cause.is_refuted() {
        tracing::info!(
            account,
            model,
            why,
            "an account cools down no more, a lease found that one caller was wrong"
        );
        return;
    }
    tracing::info!(account, model, why, %until, "an account cools down");
}

/// One model of a key cools down.
pub(super) fn tell_of_model(
    account: &AccountEntry,
    version: &VersionEntry,
    model: &str,
    cause: &Cause,
) {
    let (key, version) = key_of(account, version);
    let (why, until) = (cause.why.as_str(), time(cause.until));
    if cause.is_refuted() {
        tracing::info!(
            key,
            version,
            model,
            why,
            "a model of a key cools down no more, a lease found that one caller was wrong"
        );
        return;
    }
    tracing::info!(key, version, model, why, %until, "a model of a key cools down");
}

/// Something befell many keys at once, or is over.
pub(super) fn tell_of_incident(kind: IncidentKind, subject: &str, incident: &Incident) {
    let (why, until) = (incident.why.as_str(), time(incident.until));
    let strikes = incident.strikes;
    match (kind, incident.is_open()) {
        (IncidentKind::Breaker, true) => {
            tracing::warn!(provider = subject, why, %until, strikes, "a provider fails, no lease is given for it until one trial goes well");
        }
        (IncidentKind::Breaker, false) => {
            tracing::info!(provider = subject, "a provider is well again");
        }
        (IncidentKind::Egress, true) => {
            tracing::warn!(provider = subject, why, %until, "the way to a provider is suspected to be barred, no key is blamed");
        }
        (IncidentKind::Egress, false) => {
            tracing::info!(provider = subject, "the way to a provider is free again");
        }
        (IncidentKind::Brake, true) => {
            tracing::warn!(pool = subject, why, %until, strikes, "most keys of a pool were rejected at once, so none of them dies for long");
        }
        (IncidentKind::Brake, false) => tracing::info!(pool = subject, "a pool is braked no more"),
    }
    if incident.is_open() {
        metrics::counter!(metric_names::INCIDENTS, "kind" => kind.as_str()).increment(1);
    }
}

fn time(at: Timestamp) -> humantime::Rfc3339Timestamp {
    let since = std::time::Duration::from_micros(at.micros().max(0).unsigned_abs());
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since)
}
