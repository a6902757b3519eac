//! The RPCs about versions and rotations of keys.

use super::mutation::change;
use super::{Admin, Answer, key_message};
use crate::domain::field::{FieldError, FieldErrors};
use crate::domain::name::{KeyName, RotationName, VersionName};
use crate::proto;
use crate::service::auth::Identity;
use crate::vault::{Page, RotateKey};

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
    let secret = request
        .secret
        .ok_or_else(|| FieldError::new("secret", "is required"))
        .and_then(|secret| key_message::secret("secret", secret));
    let secret = errors.take(secret);
    let (name, secret) = errors.ready(name.zip(secret))?;
    let verb = RotateKey {
        name,
        etag: request.etag,
        secret,
        revoke_previous_now: request.revoke_previous_now,
    };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::RotateKeyResponse {
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
