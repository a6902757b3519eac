//! The RPCs about master keys.

use std::time::Duration;

use super::mutation::change;
use super::{Admin, Answer};
use crate::crypto::Fingerprint;
use crate::domain::field::{FieldError, FieldErrors, Parsed, bounded};
use crate::domain::rewrap::{RATE_DEFAULT, RATE_MAX, Rewrap, RewrapState};
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::{parse_duration, timestamp};
use crate::vault::{
    CancelRewrap, MasterKeyStatus, MasterKeyView, PromoteMasterKey, RetireMasterKey, RewrapKeys,
};

/// Backups are seldom kept for less.
const RETENTION_DEFAULT: Duration = Duration::from_hours(24 * 30);
const RETENTION_MAX: Duration = Duration::from_hours(24 * 3650);
/// The most replicas that are named as lacking a key.
const MISSING_AT_MAX: usize = 100;

pub(super) async fn status(
    admin: &Admin,
    _: &Identity,
    _: proto::GetMasterKeyStatusRequest,
) -> Answer<proto::GetMasterKeyStatusResponse> {
    Ok(message(admin.vault.get_master_key_status().await?))
}

pub(super) async fn promote(
    admin: &Admin,
    identity: &Identity,
    request: proto::PromoteMasterKeyRequest,
) -> Answer<proto::PromoteMasterKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let fingerprint = errors.take(fingerprint(&request.fingerprint));
    let verb = PromoteMasterKey(errors.ready(fingerprint)?);
    let status = admin.vault.change(change, verb).await?;
    let status = Some(message(status));
    Ok(proto::PromoteMasterKeyResponse { status })
}

pub(super) async fn rewrap(
    admin: &Admin,
    identity: &Identity,
    request: proto::RewrapKeysRequest,
) -> Answer<proto::RewrapKeysResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let max = i32::try_from(RATE_MAX).unwrap_or(i32::MAX);
    let rate_max = match request.rate_max {
        0 => Some(i32::try_from(RATE_DEFAULT).unwrap_or(i32::MAX)),
        rate => errors.take(bounded("rate_max", rate, 1, max)),
    };
    let rate_max = errors.ready(rate_max)?;
    let status = admin.vault.change(change, RewrapKeys { rate_max }).await?;
    let (total, rewrapped) = status
        .rewrap
        .as_ref()
        .map_or((0, 0), |rewrap| (rewrap.total, rewrap.rewrapped));
    Ok(proto::RewrapKeysResponse {
        rewrapped,
        remaining: (total - rewrapped).max(0),
        status: Some(message(status)),
    })
}

pub(super) async fn cancel(
    admin: &Admin,
    identity: &Identity,
    request: proto::CancelRewrapRequest,
) -> Answer<proto::CancelRewrapResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    errors.ready(Some(()))?;
    let status = admin.vault.change(change, CancelRewrap).await?;
    let status = Some(message(status));
    Ok(proto::CancelRewrapResponse { status })
}

pub(super) async fn retire(
    admin: &Admin,
    identity: &Identity,
    request: proto::RetireMasterKeyRequest,
) -> Answer<proto::RetireMasterKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let fingerprint = errors.take(fingerprint(&request.fingerprint));
    let retention = request.retention.as_ref();
    let retention =
        retention.map(|kept| parse_duration("retention", kept, Duration::ZERO, RETENTION_MAX));
    let retention = errors.take(retention.unwrap_or(Ok(RETENTION_DEFAULT)));
    let (fingerprint, retention) = errors.ready(fingerprint.zip(retention))?;
    let verb = RetireMasterKey {
        fingerprint,
        retention,
    };
    let status = admin.vault.change(change, verb).await?;
    let status = Some(message(status));
    Ok(proto::RetireMasterKeyResponse { status })
}

fn fingerprint(text: &str) -> Parsed<Fingerprint> {
    text.parse().map_err(|_| {
        let message =
            "must be mk_ and sixteen lower-case hex digits, as GetMasterKeyStatus lists it";
        FieldError::new("fingerprint", message)
    })
}

fn message(status: MasterKeyStatus) -> proto::GetMasterKeyStatusResponse {
    proto::GetMasterKeyStatusResponse {
        rewrap_needed: status.needs_rewrap(),
        master_keys: status.master_keys.into_iter().map(master_key).collect(),
        replicas: count(status.replicas),
        rewrap: status.rewrap.map(rewrap_message),
    }
}

fn master_key(view: MasterKeyView) -> proto::MasterKeyStatus {
    let missing_at = view.missing_at.into_iter().take(MISSING_AT_MAX);
    proto::MasterKeyStatus {
        fingerprint: view.row.fingerprint,
        present: view.present,
        promoted: view.promoted,
        secrets: view.row.secrets,
        wraps_cluster_key: view.row.wraps_cluster_key,
        wraps: view.row.wraps,
        holding: count(view.holding),
        missing_at: missing_at.collect(),
        of_passphrase: view.row.is_of_passphrase,
        unneeded_time: view.row.unneeded_time.map(timestamp),
        retire_time: view.row.retire_time.map(timestamp),
        weak: view.is_weak,
    }
}

fn rewrap_message(rewrap: Rewrap) -> proto::RewrapStatus {
    let state = match rewrap.state {
        RewrapState::Running => proto::RewrapState::Running,
        RewrapState::Done => proto::RewrapState::Done,
        RewrapState::Incomplete => proto::RewrapState::Incomplete,
        RewrapState::Exhausted => proto::RewrapState::Exhausted,
        RewrapState::Cancelled => proto::RewrapState::Cancelled,
        RewrapState::Superseded => proto::RewrapState::Superseded,
    };
    proto::RewrapStatus {
        fingerprint: rewrap.master_key,
        state: state.into(),
        total: rewrap.total,
        rewrapped: rewrap.rewrapped,
        failed: rewrap.failed,
        rate_max: rewrap.rate_max,
        create_time: Some(timestamp(rewrap.create_time)),
        update_time: Some(timestamp(rewrap.update_time)),
        end_time: rewrap.end_time.map(timestamp),
    }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
