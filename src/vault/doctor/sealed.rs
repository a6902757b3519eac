//! Every sealed field, opened and wiped at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kind, Names, Report};
use crate::crypto::{EnvelopeError, KeyRing, Secret};
use crate::domain::account::Account;
use crate::domain::key::Stage;
use crate::store;
use crate::store::changes::Changes;
use crate::store::secrets::{self, SealedRow};
use crate::vault::VaultKeys;
use crate::vault::sealing::{is_whole, opened};

/// Rows read at a time.
const BATCH: i64 = 500;
/// The most resources that are named beside a missing master key.
const NAMED_MAX: usize = 5;

/// Secrets that need a master key which was not given.
#[derive(Default)]
struct Missing {
    secrets: u64,
    names: Vec<String>,
}

/// The version whose fields are just looked at, which come one after the other.
#[derive(Default)]
struct Gathered {
    version_uid: Option<Uuid>,
    name: String,
    /// Name, value and stored digest of each; none where one did not open, which is told already.
    fields: Option<Vec<(String, Secret, Vec<u8>)>>,
}

impl Gathered {
    /// The next field, opened or not.
    fn take(
        &mut self,
        row: &SealedRow,
        value: Option<Secret>,
        name: &str,
        keys: Option<&VaultKeys>,
        report: &mut Report,
    ) {
        let version_uid = Some(row.wrap.version_uid);
        if self.version_uid != version_uid {
            self.judge(keys, report);
            *self = Self {
                version_uid,
                name: name.to_owned(),
                fields: Some(Vec::new()),
            };
        }
        match (value, &mut self.fields) {
            (Some(value), Some(fields)) => {
                fields.push((row.wrap.field.clone(), value, row.fingerprint.clone()));
            }
            (None, _) => self.fields = None,
            (Some(_), None) => {}
        }
    }

    /// All of its fields were seen.
    fn judge(&self, keys: Option<&VaultKeys>, report: &mut Report) {
        let Some((keys, fields)) = keys.zip(self.fields.as_ref()) else {
            return;
        };
        let parts = fields
            .iter()
            .map(|(name, value, digest)| (name.as_str(), value, digest.as_slice()));
        if self.version_uid.is_some() && !is_whole(&keys.fingerprint, parts) {
            let detail = "fields of it are missing, or it has some of another: restore its rows from a backup, or rotate the key";
            report.find(Kind::SecretIncomplete, &self.name, detail);
        }
    }
}

/// Tries every sealed field, within the transaction that has read `changes`. Answers the versions that have one.
pub(super) async fn check(
    conn: &mut PgConnection,
    (ring, keys): (&KeyRing, Option<&VaultKeys>),
    changes: &Changes,
    names: &Names,
    report: &mut Report,
) -> store::Result<HashSet<Uuid>> {
    let owners = owners(changes);
    let (mut seen, mut missing, mut after) =
        (HashSet::new(), BTreeMap::<String, Missing>::new(), None);
    let mut gathered = Gathered::default();
    loop {
        let rows = secrets::all_after(conn, after.as_ref(), BATCH).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.wrap.version_uid, last.wrap.field.clone()));
        for row in &rows {
            report.secrets += 1;
            seen.insert(row.wrap.version_uid);
            let name = names.version(row.wrap.key_uid, row.wrap.number);
            let account = owners.get(&row.wrap.key_uid).copied();
            let value = match judge(ring, row, account, &name, report) {
                Ok(value) => value,
                Err(lacking) => {
                    missing.entry(lacking).or_default().add(&name);
                    None
                }
            };
            gathered.take(row, value, &name, keys, report);
        }
    }
    gathered.judge(keys, report);
    for (fingerprint, Missing { secrets, names }) in missing {
        let detail = format!(
            "{secrets} secrets need it and it was not given: {} …",
            names.join(", ")
        );
        report.find(Kind::MasterKeyMissing, fingerprint, detail);
    }
    Ok(seen)
}

/// The account of each key.
fn owners(changes: &Changes) -> HashMap<Uuid, &Account> {
    let accounts = changes.accounts.iter().map(|row| &row.resource);
    let accounts: HashMap<Uuid, &Account> = accounts
        .map(|account| (account.meta.uid, account))
        .collect();
    let keys = changes.keys.iter().map(|row| &row.resource);
    keys.filter_map(|key| Some((key.meta.uid, *accounts.get(&key.account_uid)?)))
        .collect()
}

impl Missing {
    fn add(&mut self, name: &str) {
        self.secrets += 1;
        if self.names.len() < NAMED_MAX {
            self.names.push(name.to_owned());
        }
    }
}

/// Its value, if it opens; what is wrong with a field is told.
///
/// # Errors
/// The master key that it needs and that was not given.
fn judge(
    ring: &KeyRing,
    row: &SealedRow,
    account: Option<&Account>,
    name: &str,
    report: &mut Report,
) -> Result<Option<Secret>, String> {
    if row.stage == Stage::Revoked.as_str() {
        let detail = "it is revoked, by which its secret was erased, and has one again: rows of an older dump were put back";
        report.find(Kind::VersionBack, name, detail);
    }
    let value = match opened(ring, row) {
        Ok(value) => value,
        Err(EnvelopeError::MissingMasterKey(missing)) => return Err(missing.wanted.to_string()),
        Err(error) => {
            let detail = format!(
                "field {}: {error}; restore its rows from a backup, or rotate the key",
                row.wrap.field
            );
            report.find(Kind::SecretUnopened, name, detail);
            return Ok(None);
        }
    };
    if let Some(account) = account
        && !account.endpoint.is_sealed_by(&row.wrap.sealed_hosts)
    {
        let sealed = row.wrap.sealed_hosts.join(", ");
        let detail = format!(
            "it is sealed for {sealed}, and the base url of its account is {}",
            account.endpoint.base_url
        );
        report.find(Kind::SecretUnopened, name, detail);
    }
    Ok(Some(value))
}

/// Versions without a secret.
pub(super) fn missing(changes: &Changes, seen: &HashSet<Uuid>, names: &Names, report: &mut Report) {
    for version in &changes.versions {
        if !seen.contains(&version.meta.uid) {
            let name = names.version(version.key_uid, version.number);
            let detail = format!(
                "it is {}, and its secret is gone: rotate the key, or restore its rows",
                version.stage.as_str()
            );
            report.find(Kind::SecretGone, name, detail);
        }
    }
}
