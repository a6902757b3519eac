//! What is wrong with a vault at rest: rows that no present master key opens, rows whose MAC does not hold, and what came back or is gone.
//! It reads, changes nothing, and says what it could not look at.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::audit::verify::BEGIN;
use super::keys::VaultKeys;
use super::master_keys::promoted;
use super::open::OpenError;
use crate::crypto::{ClusterKey, ClusterKeyError, KeyRing, WrappedClusterKey};
use crate::store::changes::{self, Changes};
use crate::store::connection::{acquire, begin};
use crate::store::{cluster, key_versions, secrets};

mod history;
mod left;
mod mark;
mod rows;
mod sealed;
mod wraps;

pub use mark::MarkError;

/// The most findings of a kind that are named; all are counted.
const NAMED_MAX: usize = 1_000;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something is wrapped with a master key that was not given.
    MasterKeyMissing,
    /// The cluster key does not open, or is gone: without it nothing is believed.
    ClusterKeyUnusable,
    /// A secret does not open though its master key is there: changed, swapped, cut, or sealed for other hosts.
    SecretUnopened,
    /// A version has no secret any more.
    SecretGone,
    /// A version has not all fields of its secret, or others.
    SecretIncomplete,
    /// The MAC of a row does not hold: it was made or changed outside of keylease.
    MacWrong,
    /// This release cannot read a row.
    RowUnreadable,
    /// A version that was replaced, revoked or deleted is there again.
    VersionBack,
    /// A row is there that its last change on record did not leave so: an older one was put back, or one that was removed.
    RowBack,
    /// A row is gone that no change on record removed.
    RowGone,
    /// The audit, which says what the last change of each row left, is not what was written.
    AuditNotIntact,
    /// The database is older than what somebody has seen of it.
    WentBack,
    /// The mark of an earlier look was changed, or is none: whoever wants to hide that the database went back would do that.
    MarkUnusable,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Of what kind.
    pub kind: Kind,
    /// The resource, by name, or the row, by table and uid.
    pub resource: String,
    /// What was found, and the remedy. No part of a secret.
    pub detail: String,
}

/// All that was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Nothing is wrong, as far as could be seen.
    pub well: bool,
    /// The revision that was looked at.
    pub rev: i64,
    /// Sealed fields that were opened, or tried.
    pub secrets: u64,
    /// Rows whose MAC was checked.
    pub rows: u64,
    /// Rows that the last change of each, which is on record, was asked about.
    pub recorded: u64,
    /// How many of each kind.
    pub counts: BTreeMap<Kind, u64>,
    /// What is wrong: the first thousand of each kind.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// The high-water mark to keep for the next time; not where the database went back, or its audit is not intact.
    #[serde(skip)]
    pub mark: Option<String>,
}

impl Report {
    fn find(&mut self, kind: Kind, resource: impl Into<String>, detail: impl Into<String>) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= NAMED_MAX as u64 {
            self.findings.push(Finding {
                kind,
                resource: resource.into(),
                detail: detail.into(),
            });
        }
    }
}

/// Names of what the database holds, believed or not.
struct Names {
    accounts: HashMap<Uuid, String>,
    keys: HashMap<Uuid, String>,
}

impl Names {
    fn of(changes: &Changes) -> Self {
        let accounts = changes.accounts.iter().map(|row| &row.resource);
        let accounts: HashMap<Uuid, String> = accounts
            .map(|account| (account.meta.uid, format!("accounts/{}", account.id)))
            .collect();
        let keys = changes.keys.iter().map(|row| &row.resource).map(|key| {
            let account = accounts
                .get(&key.account_uid)
                .map_or("accounts/-", String::as_str);
            (key.meta.uid, format!("{account}/keys/{}", key.id))
        });
        Self {
            keys: keys.collect(),
            accounts,
        }
    }

    fn version(&self, key_uid: Uuid, number: impl std::fmt::Display) -> String {
        match self.keys.get(&key_uid) {
            Some(key) => format!("{key}/versions/{number}"),
            None => format!("version {number} of a key that cannot be read ({key_uid})"),
        }
    }
}

/// Looks at everything. `mark` is what an earlier look gave to be kept outside of the database.
///
/// # Errors
/// The database fails. What is wrong in it is no error.
pub async fn examine(
    pool: &PgPool,
    ring: &KeyRing,
    mark: Option<&str>,
) -> Result<Report, OpenError> {
    let mut report = Report::default();
    let keys = open_cluster_key(pool, ring, &mut report).await?;
    let mut moment = begin(pool, BEGIN).await?;
    let changes = changes::read_within(&mut moment, 0).await?;
    report.rev = changes.rev;
    let names = Names::of(&changes);
    match &keys {
        Some(keys) => {
            left::check(keys, &mut moment, &changes, &names, &mut report).await?;
            rows::check(keys, pool, &changes, &names, &mut report).await?;
        }
        None => report
            .unchecked
            .push("the MACs of rows: they need the cluster key".to_owned()),
    }
    rows::unread(&changes, &mut report);
    let seen: HashSet<Uuid> = sealed::check(
        &mut moment,
        (ring, keys.as_ref()),
        &changes,
        &names,
        &mut report,
    )
    .await?;
    wraps::check(&mut moment, &mut report).await?;
    drop(moment);
    sealed::missing(&changes, &seen, &names, &mut report);
    history::check(pool, &changes, &names, &mut report).await?;
    let mut conn = acquire(pool).await?;
    let newest = key_versions::newest_of_all(&mut conn).await?;
    let promotion = match &keys {
        Some(keys) => promoted::number(&mut conn, keys).await?,
        None => None,
    };
    drop(conn);
    let now = mark::Body::now(&changes, newest, promotion);
    mark::check(keys.as_ref(), mark, now, &names, &mut report);
    report.well = report.counts.is_empty();
    Ok(report)
}

async fn open_cluster_key(
    pool: &PgPool,
    ring: &KeyRing,
    report: &mut Report,
) -> Result<Option<VaultKeys>, OpenError> {
    const RESOURCE: &str = "the cluster key";
    let mut conn = acquire(pool).await?;
    let Some((wrapped, by)) = cluster::wrapped_key(&mut conn).await? else {
        if cluster::rev(&mut conn).await? > 0 || !secrets::master_keys(&mut conn).await?.is_empty()
        {
            let detail = "it is gone: restore the table cluster from a backup";
            report.find(Kind::ClusterKeyUnusable, RESOURCE, detail);
        } else {
            report
                .notes
                .push("the vault is new: it has no cluster key yet".to_owned());
        }
        return Ok(None);
    };
    let Ok(master_key) = by.parse() else {
        let detail = "its row names a master key by something that is no fingerprint: restore the table cluster from a backup";
        report.find(Kind::ClusterKeyUnusable, RESOURCE, detail);
        return Ok(None);
    };
    match ClusterKey::unwrap(
        ring,
        &WrappedClusterKey {
            master_key,
            wrapped,
        },
    ) {
        Ok(key) => Ok(Some(VaultKeys::new(ring.clone(), key))),
        Err(ClusterKeyError::MissingMasterKey(missing)) => {
            let detail = format!(
                "it is wrapped with master key {}, which was not given",
                missing.wanted
            );
            report.find(Kind::MasterKeyMissing, RESOURCE, detail);
            Ok(None)
        }
        Err(ClusterKeyError::DoesNotOpen) => {
            let detail = "it was tampered with or damaged: restore the table cluster from a backup";
            report.find(Kind::ClusterKeyUnusable, RESOURCE, detail);
            Ok(None)
        }
    }
}
