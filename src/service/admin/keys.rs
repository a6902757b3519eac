//! The RPCs about keys.

use super::key_message::NewKey;
use super::mutation::change;
use super::{Admin, Answer, key_message};
use crate::domain::field::FieldErrors;
use crate::domain::filter::Filter;
use crate::domain::labels::Labels;
use crate::domain::models::{model_map, patterns};
use crate::domain::name::{AccountName, KeyName};
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::{parse_rotation_policy, parse_word};
use crate::service::mask::Mask;
use crate::vault::{DeleteKey, DisableKey, EnableKey, KeyView, MoveKey, Page, UpdateKey};

/// What UpdateKey can change.
const MUTABLE: [&str; 5] = [
    "labels",
    "model_allow",
    "model_deny",
    "model_map",
    "rotation_policy",
];

pub(super) async fn create(
    admin: &Admin,
    identity: &Identity,
    request: proto::CreateKeyRequest,
) -> Answer<proto::CreateKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let account = errors.take(AccountName::parse("parent", &request.parent));
    let new = NewKey {
        account: account.map(|name| name.0),
        id_path: "key_id",
        id: &request.key_id,
        path: "key",
        key: request.key,
        secret_path: "secret",
        secret: request.secret,
    };
    let verb = key_message::to_create(&mut errors, new);
    let verb = errors.ready(verb)?;
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::CreateKeyResponse { key: answer(view) })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetKeyRequest,
) -> Answer<proto::GetKeyResponse> {
    let name = KeyName::parse("name", &request.name)?;
    let view = admin.vault.get_key(&name).await?;
    Ok(proto::GetKeyResponse { key: answer(view) })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListKeysRequest,
) -> Answer<proto::ListKeysResponse> {
    let mut errors = FieldErrors::default();
    let account = errors.take(key_message::parse_parent(&request.parent));
    let filter = errors.take(Filter::parse("filter", &request.filter));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListKeys", &request.parent, &request.filter],
        request.page_size,
        &request.page_token,
    ));
    let ((account, filter), page) = errors.ready(account.zip(filter).zip(page))?;
    let (views, next_page_token) = admin
        .vault
        .list_keys(account.as_ref(), &page, &filter)
        .await?;
    Ok(proto::ListKeysResponse {
        keys: views.into_iter().map(key_message::of).collect(),
        next_page_token,
    })
}

pub(super) async fn update(
    admin: &Admin,
    identity: &Identity,
    request: proto::UpdateKeyRequest,
) -> Answer<proto::UpdateKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let mask = Mask::parse(&mut errors, request.update_mask.as_ref(), &MUTABLE);
    let verb = to_update(&mut errors, &mask, request.key.unwrap_or_default());
    let verb = errors.ready(verb)?;
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::UpdateKeyResponse { key: answer(view) })
}

fn to_update(errors: &mut FieldErrors, mask: &Mask, key: proto::Key) -> Option<UpdateKey> {
    const PATH: &str = "key";
    let name = errors.take(KeyName::parse("key.name", &key.name));
    let labels = mask.when("labels", || {
        errors.take_within(PATH, Labels::parse("labels", key.labels))
    });
    let model_allow = mask.when("model_allow", || {
        errors.take_within(PATH, patterns("model_allow", &key.model_allow))
    });
    let model_deny = mask.when("model_deny", || {
        errors.take_within(PATH, patterns("model_deny", &key.model_deny))
    });
    let model_map = mask.when("model_map", || {
        errors.take_within(PATH, model_map("model_map", key.model_map))
    });
    let rotation_interval = mask.when("rotation_policy", || {
        let policy = key.rotation_policy.as_ref();
        errors.take_within(PATH, parse_rotation_policy("rotation_policy", policy))
    });
    Some(UpdateKey {
        name: name?,
        etag: key.etag,
        labels,
        model_allow,
        model_deny,
        model_map,
        rotation_interval,
    })
}

pub(super) async fn move_to(
    admin: &Admin,
    identity: &Identity,
    request: proto::MoveKeyRequest,
) -> Answer<proto::MoveKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(KeyName::parse("name", &request.name));
    let destination = &request.destination_account;
    let destination = errors.take(AccountName::parse("destination_account", destination));
    let (name, destination) = errors.ready(name.zip(destination))?;
    let verb = MoveKey {
        name,
        destination,
        etag: request.etag,
    };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::MoveKeyResponse { key: answer(view) })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeleteKeyRequest,
) -> Answer<proto::DeleteKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(KeyName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = DeleteKey { name, etag };
    admin.vault.change(change, verb).await?;
    Ok(proto::DeleteKeyResponse {})
}

pub(super) async fn disable(
    admin: &Admin,
    identity: &Identity,
    request: proto::DisableKeyRequest,
) -> Answer<proto::DisableKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(KeyName::parse("name", &request.name));
    let word = parse_word(&mut errors, request.why, request.until.as_ref());
    let (name, word) = errors.ready(name.zip(word))?;
    let etag = request.etag;
    let verb = DisableKey { name, etag, word };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::DisableKeyResponse { key: answer(view) })
}

pub(super) async fn enable(
    admin: &Admin,
    identity: &Identity,
    request: proto::EnableKeyRequest,
) -> Answer<proto::EnableKeyResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(KeyName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = EnableKey { name, etag };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::EnableKeyResponse { key: answer(view) })
}

fn answer(view: KeyView) -> Option<proto::Key> {
    Some(key_message::of(view))
}
