//! What of the rows behind an answer is not believed: reading verbs show it beside what the rows say of themselves.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::keys::VaultKeys;
use super::sealing::is_whole;
use crate::crypto::{EnvelopeError, Fingerprint, ProtectedRow};
use crate::domain::account::Account;
use crate::domain::distrust::Distrust;
use crate::domain::key::{Key, KeyVersion, Stage};
use crate::store::secrets::SecretRow;
use crate::store::{Stored, pool_status, secrets};

/// Why the row of `name` is not believed.
pub(super) fn of_row<R: ProtectedRow>(
    keys: &VaultKeys,
    stored: &Stored<R>,
    name: &str,
) -> Option<Distrust> {
    let holds = keys.mac.verifies_row(&stored.resource, &stored.mac);
    (!holds).then(|| Distrust::tampered(name))
}

/// Why a version cannot be leased, whatever its health: a look at its secret, which is wiped at once.
pub(super) fn of_version(
    keys: &VaultKeys,
    account: &Account,
    version: &KeyVersion,
    rows: &[SecretRow],
) -> Option<Distrust> {
    if version.stage == Stage::Revoked {
        return None;
    }
    if rows.is_empty() {
        return Some(Distrust::undecryptable("the secret is gone"));
    }
    if !account.endpoint.is_sealed_by(&version.sealed_hosts) {
        let (sealed, url) = (version.sealed_hosts.join(", "), &account.endpoint.base_url);
        let cause = format!("the secret is sealed for {sealed}, and the base url is {url}");
        return Some(Distrust::undecryptable(&cause));
    }
    let opened: Result<Vec<_>> = rows
        .iter()
        .map(|row| keys.open_secret(version, row))
        .collect();
    let error = match opened {
        Ok(values) => {
            let parts = rows.iter().zip(&values);
            let parts = parts.map(|(row, value)| (&*row.field, value, &*row.fingerprint));
            let is_whole = is_whole(&keys.fingerprint, parts);
            return (!is_whole).then(|| Distrust::undecryptable("parts of the secret are missing"));
        }
        Err(error) => error,
    };
    if let Some(key) = missing_key(&error) {
        return Some(Distrust::master_key_missing(&key.to_string()));
    }
    let cause = format!("the secret is not usable: {}", root(&error));
    Some(Distrust::undecryptable(&cause))
}

/// The master key that opening needs and the ring lacks, if that is at the bottom of a fault.
pub(super) fn missing_key(error: &(dyn std::error::Error + 'static)) -> Option<Fingerprint> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| match cause.downcast_ref::<EnvelopeError>() {
        Some(EnvelopeError::MissingMasterKey(missing)) => Some(missing.wanted),
        _ => None,
    })
}

/// What is at the bottom of a fault: for a secret, why it does not open, which carries nothing of it.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

/// The accounts of these keys as stored, believed or not: `distrust` tells.
pub(super) async fn accounts_of(
    conn: &mut PgConnection,
    vault_keys: &VaultKeys,
    uids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Account>> {
    let uids: BTreeSet<Uuid> = uids.collect();
    let uids: Vec<Uuid> = uids.into_iter().collect();
    let rows = pool_status::accounts(conn, &uids).await?;
    let judged = rows.into_iter().map(|row| {
        let name = format!("accounts/{}", row.resource.id);
        let distrust = of_row(vault_keys, &row, &name);
        let mut account = row.resource;
        account.meta.distrust = distrust;
        (account.meta.uid, account)
    });
    Ok(judged.collect())
}

/// These keys; why one is not believed is why its own row is not, or its account's.
pub(super) fn keys_of(
    vault_keys: &VaultKeys,
    accounts: &HashMap<Uuid, Account>,
    rows: Vec<Stored<Key>>,
) -> Vec<Key> {
    let judge = |row: Stored<Key>| {
        let account = accounts.get(&row.resource.account_uid);
        let of_account = || account.and_then(|account| account.meta.distrust.clone());
        let name = format!("key {}", row.resource.id);
        let distrust = of_row(vault_keys, &row, &name).or_else(of_account);
        let mut key = row.resource;
        key.meta.distrust = distrust;
        key
    };
    rows.into_iter().map(judge).collect()
}

/// The versions of these keys that are not revoked, newest first, by key.
pub(super) async fn versions_of(
    conn: &mut PgConnection,
    vault_keys: &VaultKeys,
    accounts: &HashMap<Uuid, Account>,
    keys: &[Key],
) -> Result<HashMap<Uuid, Vec<KeyVersion>>> {
    let uids: Vec<Uuid> = keys.iter().map(|key| key.meta.uid).collect();
    let versions = pool_status::versions(conn, &uids).await?;
    let uids: Vec<Uuid> = versions.iter().map(|version| version.meta.uid).collect();
    let rows = secrets::of_versions(conn, &uids).await?;
    let owners = keys.iter().map(|key| (key.meta.uid, key.account_uid));
    let owners: HashMap<Uuid, Uuid> = owners.collect();
    let mut by_key: HashMap<Uuid, Vec<KeyVersion>> = HashMap::new();
    for mut version in versions {
        let account = owners
            .get(&version.key_uid)
            .and_then(|uid| accounts.get(uid));
        let rows = rows.get(&version.meta.uid).map_or(&[][..], Vec::as_slice);
        version.meta.distrust =
            account.and_then(|account| of_version(vault_keys, account, &version, rows));
        by_key.entry(version.key_uid).or_default().push(version);
    }
    Ok(by_key)
}

/// Keys that are read by themselves: one is believed if its row, its account's row and its current secret are.
pub(super) async fn read_keys(
    conn: &mut PgConnection,
    vault_keys: &VaultKeys,
    rows: Vec<Stored<Key>>,
) -> Result<Vec<Key>> {
    let owners = rows.iter().map(|row| row.resource.account_uid);
    let accounts = accounts_of(conn, vault_keys, owners).await?;
    let mut keys = keys_of(vault_keys, &accounts, rows);
    let versions = versions_of(conn, vault_keys, &accounts, &keys).await?;
    for key in &mut keys {
        let mut own = versions.get(&key.meta.uid).into_iter().flatten();
        let current = own.find(|version| version.stage == Stage::Current);
        let of_current = current.and_then(|version| version.meta.distrust.clone());
        key.meta.distrust = key.meta.distrust.take().or(of_current);
    }
    Ok(keys)
}
