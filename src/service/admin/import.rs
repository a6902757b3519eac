//! `ImportKeys`.

use std::collections::HashSet;

use super::faults::Faults;
use super::key_message::NewKey;
use super::mutation::change;
use super::{
    Admin, Answer, account_message, key_message, limit_message, parse_limit, parse_pool,
    pool_message,
};
use crate::domain::endpoint::upstreams::Upstreams;
use crate::domain::field::{FieldError, FieldErrors};
use crate::domain::id::Id;
use crate::domain::limit::LIMITS_MAX;
use crate::domain::name::{LimitName, OwnerName};
use crate::proto;
use crate::service::auth::Identity;
use crate::vault::{CreateKey, CreateLimit, CreatePool, ImportAccount, ImportKeys, Imported};

const ACCOUNTS_MAX: usize = 100;
const KEYS_MAX: usize = 1_000;
const POOLS_MAX: usize = 100;

pub(super) async fn import(
    admin: &Admin,
    identity: &Identity,
    request: proto::ImportKeysRequest,
) -> Answer<proto::ImportKeysResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let mut verb = ImportKeys {
        accounts: Vec::new(),
        pools: Vec::new(),
    };
    if has_good_counts(&mut faults, &request) {
        for (i, imported) in request.accounts.into_iter().enumerate() {
            let mut part = Faults::default();
            verb.accounts
                .extend(account(&mut part, imported, admin.upstreams));
            faults.absorb(&format!("accounts[{i}]"), part);
        }
        for (i, imported) in request.pools.into_iter().enumerate() {
            let mut part = Faults::default();
            verb.pools.extend(pool(&mut part, imported));
            faults.absorb(&format!("pools[{i}]"), part);
        }
        refuse_twins(&mut faults, &verb);
    }
    let verb = faults.finish(Some(verb))?;
    let imported = admin.vault.change(change, verb).await?;
    Ok(answer(imported))
}

fn has_good_counts(faults: &mut Faults, request: &proto::ImportKeysRequest) -> bool {
    let keys = request.accounts.iter().map(|account| account.keys.len());
    let counts = [
        ("accounts", request.accounts.len(), ACCOUNTS_MAX),
        ("accounts.keys", keys.sum(), KEYS_MAX),
        ("pools", request.pools.len(), POOLS_MAX),
    ];
    let mut good = true;
    for (field, count, max) in counts {
        if count > max {
            let message = format!("has {count} entries over all, at most {max} are allowed");
            faults.add(FieldError::new(field, message));
            good = false;
        }
    }
    if request.accounts.is_empty() && request.pools.is_empty() {
        faults.add(FieldError::new("accounts", "is required, or pools"));
        good = false;
    }
    good
}

fn account(
    faults: &mut Faults,
    imported: proto::ImportedAccount,
    upstreams: Upstreams,
) -> Option<ImportAccount> {
    if imported.limits.len() > LIMITS_MAX {
        let message = format!("must have at most {LIMITS_MAX} entries");
        faults.add(FieldError::new("limits", message));
        return None;
    }
    let id = ("account_id", imported.account_id.as_str());
    let account = ("account", imported.account);
    let account = account_message::to_create(&mut faults.fields, id, account, upstreams);
    // Parsed again for the names of keys and limits, so that their faults are told with those of the account.
    let account_id = Id::parse("account_id", &imported.account_id).ok();
    let mut keys = Vec::new();
    for (j, imported) in imported.keys.into_iter().enumerate() {
        let mut part = Faults::default();
        keys.extend(key(&mut part.fields, account_id.clone(), imported));
        faults.absorb(&format!("keys[{j}]"), part);
    }
    let mut limits = Vec::new();
    for (j, imported) in imported.limits.into_iter().enumerate() {
        let mut part = Faults::default();
        limits.extend(limit(&mut part, account_id.clone(), imported));
        faults.absorb(&format!("limits[{j}]"), part);
    }
    Some(ImportAccount {
        account: account?,
        keys,
        limits,
    })
}

fn key(
    errors: &mut FieldErrors,
    account: Option<Id>,
    imported: proto::ImportedKey,
) -> Option<CreateKey> {
    if imported.secret.is_none() {
        errors.push(FieldError::new("secret", "is required"));
    }
    let new = NewKey {
        account,
        id_path: "key_id",
        id: &imported.key_id,
        path: "key",
        key: imported.key,
        secret_path: "secret",
        secret: imported.secret,
    };
    key_message::to_create(errors, new)
}

fn limit(
    faults: &mut Faults,
    account: Option<Id>,
    imported: proto::ImportedLimit,
) -> Option<CreateLimit> {
    let id = faults.take(Id::parse("limit_id", &imported.limit_id));
    let limit = parse_limit::new_limit(faults, imported.limit.unwrap_or_default());
    let name = LimitName {
        owner: OwnerName::Account(account?),
        limit: id?,
    };
    Some(CreateLimit {
        name,
        limit: limit?,
    })
}

fn pool(faults: &mut Faults, imported: proto::ImportedPool) -> Option<CreatePool> {
    let id = faults.take(Id::parse("pool_id", &imported.pool_id));
    let draft = parse_pool::draft(faults, imported.pool.unwrap_or_default(), |_| true);
    Some(CreatePool { id: id?, draft })
}

/// An account that comes twice would be created by the first and used by the second; nobody means that.
fn refuse_twins(faults: &mut Faults, verb: &ImportKeys) {
    let mut seen = HashSet::new();
    for (i, import) in verb.accounts.iter().enumerate() {
        if !seen.insert(&import.account.id) {
            let message = "comes twice, put all keys of an account into one entry";
            faults.add(FieldError::new(
                format!("accounts[{i}].account_id"),
                message,
            ));
        }
    }
}

fn answer(imported: Imported) -> proto::ImportKeysResponse {
    let limits = imported.limits.into_iter();
    proto::ImportKeysResponse {
        accounts: imported
            .accounts
            .into_iter()
            .map(account_message::of)
            .collect(),
        keys: imported.keys.into_iter().map(key_message::of).collect(),
        limits: limits
            .map(|(name, limit)| limit_message::of(&limit, name.owner))
            .collect(),
        pools: imported.pools.into_iter().map(pool_message::of).collect(),
        unsupported: Vec::new(),
    }
}
