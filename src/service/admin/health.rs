//! `ClearHealth` and `ListHealthChanges`.

use super::mutation::change;
use super::{Admin, Answer, key_message};
use crate::domain::field::{FieldError, FieldErrors, Parsed, text};
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::name::{AccountName, KeyName, VersionName};
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::timestamp;
use crate::vault::{ClearHealth, HealthChangeView, Page, Refusal};

pub(super) async fn clear(
    admin: &Admin,
    identity: &Identity,
    request: proto::ClearHealthRequest,
) -> Answer<proto::ClearHealthResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let verb = errors.take(to_clear(&request.name, request.model));
    let verb = errors.ready(verb)?;
    if let ClearHealth::Provider(name) = &verb {
        known(admin, name)?;
    }
    let cleared = admin.vault.change(change, verb).await?;
    Ok(proto::ClearHealthResponse {
        cleared: i32::try_from(cleared).unwrap_or(i32::MAX),
    })
}

/// What is said of a model of anything else.
const OF_ACCOUNTS: &str = "is only for accounts: leave it empty, or name accounts/{account} alone to clear what it cools down from for the model";

/// Providers are where accounts go: one that is misspelt would be cleared of nothing, and nobody told.
fn known(admin: &Admin, name: &str) -> Result<(), Refusal> {
    let snapshot = admin.vault.live().glance();
    let mut places = snapshot.providers.iter().map(|provider| provider.place());
    if places.any(|place| place.profile == name || place.host == name) {
        return Ok(());
    }
    let resource = format!("providers/{name}");
    Err(Refusal::NotFound { resource })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListHealthChangesRequest,
) -> Answer<proto::ListHealthChangesResponse> {
    let mut errors = FieldErrors::default();
    let name = errors.take(KeyName::parse("parent", &request.parent));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListHealthChanges", &request.parent],
        request.page_size,
        &request.page_token,
    ));
    let (name, page) = errors.ready(name.zip(page))?;
    let (views, next_page_token) = admin.vault.list_health_changes(&name, &page).await?;
    Ok(proto::ListHealthChangesResponse {
        health_changes: views.into_iter().map(change_message).collect(),
        next_page_token,
    })
}

fn change_message(view: HealthChangeView) -> proto::HealthChange {
    let change = view.change;
    proto::HealthChange {
        version: view.version.to_string(),
        change_time: Some(timestamp(change.time)),
        from: key_message::health(&change.from).state,
        to: Some(proto::Health {
            why: change.why,
            ..key_message::health(&change.to)
        }),
        by: change.who,
    }
}

fn to_clear(name: &str, model: String) -> Parsed<ClearHealth> {
    const FIELD: &str = "name";
    let model = text("model", model, MODEL_BYTES_MAX)?;
    let model = Some(model).filter(|model| !model.is_empty());
    if let Some(provider) = name.strip_prefix("providers/")
        && !provider.is_empty()
    {
        return match model {
            None => Ok(ClearHealth::Provider(provider.to_owned())),
            Some(_) => Err(FieldError::new("model", OF_ACCOUNTS)),
        };
    }
    if !name.starts_with("accounts/") {
        let message = "must be accounts/{account} (its cooldowns, also of one model), accounts/{account}/keys/{key} (all its versions), \
                       accounts/{account}/keys/{key}/versions/{number}, or providers/{profile} or providers/{host} (its breaker)";
        return Err(FieldError::new(FIELD, message));
    }
    let target = if name.contains("/versions/") {
        ClearHealth::Version(VersionName::parse(FIELD, name)?)
    } else if name.contains("/keys/") {
        ClearHealth::Key(KeyName::parse(FIELD, name)?)
    } else {
        let name = AccountName::parse(FIELD, name)?;
        return Ok(ClearHealth::Account(name, model));
    };
    if model.is_some() {
        return Err(FieldError::new("model", OF_ACCOUNTS));
    }
    Ok(target)
}
