//! Every sealed field, opened and wiped at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgPool;
use uuid::Uuid;

use super::{Kind, Names, Report};
use crate::crypto::{EnvelopeError, KeyRing};
use crate::domain::account::Account;
use crate::domain::key::Stage;
use crate::store;
use crate::store::changes::Changes;
use crate::store::connection::acquire;
use crate::store::secrets::{self, SealedRow};
use crate::vault::sealing::opens;

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

/// Tries every sealed field. Answers the versions that have one.
pub(super) async fn check(
    pool: &PgPool,
    ring: &KeyRing,
    changes: &Changes,
    names: &Names,
    report: &mut Report,
) -> store::Result<HashSet<Uuid>> {
    let accounts = changes.accounts.iter().map(|row| &row.resource);
    let accounts: HashMap<Uuid, &Account> = accounts
        .map(|account| (account.meta.uid, account))
        .collect();
    let owners = changes.keys.iter().map(|row| &row.resource);
    let owners: HashMap<Uuid, &Account> = owners
        .filter_map(|key| Some((key.meta.uid, *accounts.get(&key.account_uid)?)))
        .collect();
    let (mut seen, mut missing, mut after) =
        (HashSet::new(), BTreeMap::<String, Missing>::new(), None);
    loop {
        let mut conn = acquire(pool).await?;
        let rows = secrets::all_after(&mut conn, after.as_ref(), BATCH).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.wrap.version_uid, last.wrap.field.clone()));
        for row in &rows {
            report.secrets += 1;
            seen.insert(row.wrap.version_uid);
            let name = names.version(row.wrap.key_uid, row.wrap.number);
            if let Some(lacking) = judge(
                ring,
                row,
                owners.get(&row.wrap.key_uid).copied(),
                &name,
                report,
            ) {
                let missing = missing.entry(lacking).or_default();
                missing.secrets += 1;
                if missing.names.len() < NAMED_MAX {
                    missing.names.push(name);
                }
            }
        }
    }
    for (fingerprint, Missing { secrets, names }) in missing {
        let detail = format!(
            "{secrets} secrets need it and it was not given: {} …",
            names.join(", ")
        );
        report.find(Kind::MasterKeyMissing, fingerprint, detail);
    }
    Ok(seen)
}

/// What is wrong with a field is told; the master key that it needs and that was not given is answered.
fn judge(
    ring: &KeyRing,
    row: &SealedRow,
    account: Option<&Account>,
    name: &str,
    report: &mut Report,
) -> Option<String> {
    if row.stage == Stage::Revoked.as_str() {
        let detail = "it is revoked, by which its secret was erased, and has one again: rows of an older dump were put back";
        report.find(Kind::VersionBack, name, detail);
    }
    match opens(ring, row) {
        Ok(()) => {}
        Err(EnvelopeError::MissingMasterKey(missing)) => return Some(missing.wanted.to_string()),
        Err(error) => {
            let detail = format!(
                "field {}: {error}; restore its rows from a backup, or rotate the key",
                row.wrap.field
            );
            report.find(Kind::SecretUnopened, name, detail);
            return None;
        }
    }
    let account = account?;
    if !account.endpoint.is_sealed_by(&row.wrap.sealed_hosts) {
        let sealed = row.wrap.sealed_hosts.join(", ");
        let detail = format!(
            "it is sealed for {sealed}, and the base url of its account is {}",
            account.endpoint.base_url
        );
        report.find(Kind::SecretUnopened, name, detail);
    }
    None
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
