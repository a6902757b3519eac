//! Table `master_keys`: which master keys there are, how often each has wrapped, and what derives those that come from a passphrase.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::time::Timestamp;

mod passphrases;

pub use passphrases::{PassphraseRow, passphrases, register_passphrase};

/// A master key at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyRow {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Wraps made with it so far.
    pub wraps: i64,
    /// Secrets it wraps.
    pub secrets: i64,
    /// It wraps the cluster key.
    pub wraps_cluster_key: bool,
    /// It comes from a passphrase.
    pub is_of_passphrase: bool,
    /// What that costs whoever guesses: memory in KiB, and passes over it.
    pub costs: Option<(i32, i32)>,
    /// Since when nothing is wrapped with it.
    pub unneeded_time: Option<Timestamp>,
    /// Since when no replica uses it any more.
    pub retire_time: Option<Timestamp>,
}

impl MasterKeyRow {
    /// Something cannot be read without it.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        self.secrets > 0 || self.wraps_cluster_key
    }
}

/// Makes a master key known.
///
/// # Errors
/// As every query.
pub async fn register(conn: &mut PgConnection, fingerprint: &str) -> Result<()> {
    sqlx::query!(
        "insert into master_keys (fingerprint, state) values ($1, 'present') on conflict (fingerprint) do nothing",
        fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes those that are known and not on record: fingerprints, and whether each comes from a passphrase. They count as recorded then.
///
/// # Errors
/// As every query.
pub async fn announce(conn: &mut PgConnection) -> Result<Vec<(String, bool)>> {
    let rows = sqlx::query!(
        r#"update master_keys set announced = true where not announced returning fingerprint, salt is not null as "is_of_passphrase!""#
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (row.fingerprint, row.is_of_passphrase))
        .collect())
}

/// Shows in every row whether it is the promoted one. The word of the cluster's row counts; this one is for people.
///
/// # Errors
/// As every query.
pub async fn show_promoted(conn: &mut PgConnection, fingerprint: &str) -> Result<()> {
    sqlx::query!(
        "update master_keys set state = case when fingerprint = $1 then 'promoted' else 'present' end
        where retire_time is null and (fingerprint = $1) <> (state = 'promoted')",
        fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// No replica uses it any more. How it came from a passphrase is forgotten: whoever reads a later dump could try guesses by that, and by the
/// weakest parameters that the passphrase ever had.
///
/// # Errors
/// As every query.
pub async fn retire(conn: &mut PgConnection, fingerprint: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update master_keys set state = 'retired', retire_time = $2, salt = null, memory_kib = null, iterations = null, parallelism = null
        where fingerprint = $1",
        fingerprint,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The fingerprints of those that no replica uses any more, but for those that something is wrapped with all the same, as after a
/// restore.
///
/// # Errors
/// As every query.
pub async fn retired(conn: &mut PgConnection) -> Result<Vec<String>> {
    let fingerprints = sqlx::query_scalar!(
        "select fingerprint from master_keys m where retire_time is not null
            and not exists (select from secrets s where s.master_key_fingerprint = m.fingerprint)
            and not exists (select from cluster c where c.master_key_fingerprint = m.fingerprint)"
    )
    .fetch_all(conn)
    .await?;
    Ok(fingerprints)
}

/// Notes since when nothing is wrapped with those that have wrapped, and not the promoted one.
///
/// # Errors
/// As every query.
pub async fn note_unneeded(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "update master_keys m set unneeded_time = clock_timestamp()
        where unneeded_time is null and wraps > 0
            and not exists (select from secrets s where s.master_key_fingerprint = m.fingerprint)
            and not exists (select from cluster c where m.fingerprint in (c.master_key_fingerprint, c.promoted_master_key))"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts wraps made with a master key, and answers how many it has made.
///
/// # Errors
/// As every query.
pub async fn add_wraps(conn: &mut PgConnection, fingerprint: &str, wraps: i64) -> Result<i64> {
    let total = sqlx::query_scalar!(
        "insert into master_keys (fingerprint, state, wraps) values ($1, 'present', $2)
        on conflict (fingerprint) do update set wraps = master_keys.wraps + $2, unneeded_time = null returning wraps",
        fingerprint,
        wraps
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// The columns of [`MasterKeyRow`], as the driver gives them.
struct Listed {
    fingerprint: String,
    wraps: i64,
    secrets: i64,
    wraps_cluster_key: bool,
    is_of_passphrase: bool,
    memory_kib: Option<i32>,
    iterations: Option<i32>,
    unneeded_time: Option<OffsetDateTime>,
    retire_time: Option<OffsetDateTime>,
}

/// All master keys that are known or that something is wrapped with.
///
/// # Errors
/// As every query.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<MasterKeyRow>> {
    let rows = sqlx::query_as!(
        Listed,
        r#"with wrapping as (
            select master_key_fingerprint as fingerprint, count(*) as secrets from secrets group by 1
        ), known as (
            select fingerprint from master_keys union select fingerprint from wrapping
            union select master_key_fingerprint from cluster where master_key_fingerprint is not null
        )
        select known.fingerprint as "fingerprint!", coalesce(master_keys.wraps, 0) as "wraps!",
            coalesce(wrapping.secrets, 0) as "secrets!", master_keys.salt is not null as "is_of_passphrase!",
            master_keys.memory_kib as "memory_kib?", master_keys.iterations as "iterations?",
            exists (select from cluster where master_key_fingerprint = known.fingerprint) as "wraps_cluster_key!",
            master_keys.unneeded_time as "unneeded_time?", master_keys.retire_time as "retire_time?"
        from known left join master_keys using (fingerprint) left join wrapping using (fingerprint)
        order by known.fingerprint"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(MasterKeyRow::from).collect())
}

impl From<Listed> for MasterKeyRow {
    fn from(row: Listed) -> Self {
        Self {
            fingerprint: row.fingerprint,
            wraps: row.wraps,
            secrets: row.secrets,
            wraps_cluster_key: row.wraps_cluster_key,
            is_of_passphrase: row.is_of_passphrase,
            costs: row.memory_kib.zip(row.iterations),
            unneeded_time: row.unneeded_time.map(timestamp),
            retire_time: row.retire_time.map(timestamp),
        }
    }
}
