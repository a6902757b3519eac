//! `ClearHealth`.

use super::mutation::change;
use super::{Admin, Answer};
use crate::domain::field::{FieldError, FieldErrors, Parsed, text};
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::name::{AccountName, KeyName, VersionName};
use crate::proto;
use crate::service::auth::Identity;
use crate::vault::{ClearHealth, Refusal};

pub(super) async fn clear(
    admin: &Admin,
    identity: &Identity,
    request: proto::ClearHealthRequest,
) -> Answer<proto::ClearHealthResponse> {
    if request.name.starts_with("providers/") {
        let what = "ClearHealth of a provider".to_owned();
        return Err(Refusal::NotBuilt { what }.into());
    }
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let verb = errors.take(to_clear(&request.name, request.model));
    let verb = errors.ready(verb)?;
    let cleared = admin.vault.change(change, verb).await?;
    Ok(proto::ClearHealthResponse {
        cleared: i32::try_from(cleared).unwrap_or(i32::MAX),
    })
}

fn to_clear(name: &str, model: String) -> Parsed<ClearHealth> {
    const FIELD: &str = "name";
    let model = text("model", model, MODEL_BYTES_MAX)?;
    let model = Some(model).filter(|model| !model.is_empty());
    let target = if name.contains("/versions/") {
        ClearHealth::Version(VersionName::parse(FIELD, name)?)
    } else if name.contains("/keys/") {
        ClearHealth::Key(KeyName::parse(FIELD, name)?)
    } else {
        let name = AccountName::parse(FIELD, name)?;
        return Ok(ClearHealth::Account(name, model));
    };
    if model.is_some() {
        let message = "is only for accounts, leave it empty for a key or a version";
        return Err(FieldError::new("model", message));
    }
    Ok(target)
}
