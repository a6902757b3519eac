//! The RPCs about versions and rotations of keys.

use std::time::Duration;

use super::mutation::change;
use super::{Admin, Answer, key_message};
use crate::domain::field::{FieldError, FieldErrors};
use crate::domain::name::{KeyName, RotationName, VersionName};
use crate::domain::rotation::GRACE_MAX;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::parse_duration;
use crate::vault::{CancelRotation, Page, RetryRotation, RollbackKey, RotateKey, RotationView};

pub(super) async fn get_version(
    admin: &Admin,
    _: &Identity,
    request: proto::GetKeyVersionRequest,
) -> Answer<proto::GetKeyVersionResponse> {
    let name = VersionName::parse("name", &request.name)?;
    let view = admin.vault.get_key_version(&name).await?;
    Ok(proto::GetKeyVersionResponse {
        key_version: Some(key_message::of_version(view)),
    })
}

pub(super) async fn list_versions(
    admin: &Admin,
    _: &Identity,
    request: proto::ListKeyVersionsRequest,
) -> Answer<proto::ListKeyVersionsResponse> {
    let mut errors = FieldErrors::default();
    let name = errors.take(KeyName::parse("parent", &request.parent));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListKeyVersions", &request.parent],
        request.page_size,
        &request.page_token,
    ));
    let (name, page) = errors.ready(name.zip(page))?;
    let (views, next_page_token) = admin.vault.list_key_versions(&name, &page).await?;
    Ok(proto::ListKeyVersionsResponse {
        key_versions: views.into_iter().map(key_message::of_version).collect(),
        next_page_token,
    })
}

pub(super) async fn rotate(
    admin: &Admin,
    identity: &Identity,
    request: proto::RotateKeyRequest,
) -> Answer<proto::RotateKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(KeyName::parse("name", &request.name));
    let secret = request.secret;
    let secret = secret.map(|secret| key_message::secret("secret", secret));
    let secret = errors.take(secret.transpose());
    let grace = request.grace.as_ref();
    let grace = grace.map(|grace| parse_duration("grace", grace, Duration::ZERO, GRACE_MAX));
    let grace = errors.take(grace.transpose());
    let ((name, secret), grace) = errors.ready(name.zip(secret).zip(grace))?;
    let verb = RotateKey {
        name,
        etag: request.etag,
        secret,
        revoke_previous_now: request.revoke_previous_now,
        skips_test: request.skip_test,
        grace,
    };
    let is_change = !change.validate_only;
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::RotateKeyResponse {
        rotation: Some(tried(admin, view, is_change).await?),
    })
}

/// A rotation whose next step is due, once it has been taken, if that takes but a moment.
async fn tried(admin: &Admin, view: RotationView, is_change: bool) -> Answer<proto::Rotation> {
    if !is_change || !view.rotation.step.is_open() || view.rotation.is_held {
        return Ok(key_message::of_rotation(view));
    }
    admin.vault.await_promotion(view.rotation.uid).await;
    let view = admin.vault.get_rotation(&view.name).await?;
    Ok(key_message::of_rotation(view))
}

pub(super) async fn cancel(
    admin: &Admin,
    identity: &Identity,
    request: proto::CancelRotationRequest,
) -> Answer<proto::CancelRotationResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(RotationName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let view = admin.vault.change(change, CancelRotation { name }).await?;
    Ok(proto::CancelRotationResponse {
        rotation: Some(key_message::of_rotation(view)),
    })
}

pub(super) async fn retry(
    admin: &Admin,
    identity: &Identity,
    request: proto::RetryRotationRequest,
) -> Answer<proto::RetryRotationResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(RotationName::parse("name", &request.name));
    if request.skip_test && request.revoke_previous_now {
        let message = "must not come with skip_test: have its version promoted first";
        errors.push(FieldError::new("revoke_previous_now", message));
    }
    let name = errors.ready(name)?;
    let is_change = !change.validate_only;
    let verb = RetryRotation {
        name,
        skips_test: request.skip_test,
        revoke_previous_now: request.revoke_previous_now,
    };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::RetryRotationResponse {
        rotation: Some(tried(admin, view, is_change).await?),
    })
}

pub(super) async fn roll_back(
    admin: &Admin,
    identity: &Identity,
    request: proto::RollbackKeyRequest,
) -> Answer<proto::RollbackKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(KeyName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = RollbackKey { name, etag };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::RollbackKeyResponse {
        rotation: Some(key_message::of_rotation(view)),
    })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetRotationRequest,
) -> Answer<proto::GetRotationResponse> {
    let name = RotationName::parse("name", &request.name)?;
    let view = admin.vault.get_rotation(&name).await?;
    Ok(proto::GetRotationResponse {
        rotation: Some(key_message::of_rotation(view)),
    })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListRotationsRequest,
) -> Answer<proto::ListRotationsResponse> {
    let mut errors = FieldErrors::default();
    let name = errors.take(KeyName::parse("parent", &request.parent));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListRotations", &request.parent],
        request.page_size,
        &request.page_token,
    ));
    let (name, page) = errors.ready(name.zip(page))?;
    let (views, next_page_token) = admin.vault.list_rotations(&name, &page).await?;
    Ok(proto::ListRotationsResponse {
        rotations: views.into_iter().map(key_message::of_rotation).collect(),
        next_page_token,
    })
}
