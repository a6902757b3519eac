//! Table `master_keys`: which master keys there are, how often each has wrapped, and what derives those that come from a passphrase.

use sqlx::PgConnection;

use super::Result;

/// What derives a master key from its passphrase. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseRow {
    /// Of the key that comes out.
    pub fingerprint: String,
    /// Random bytes.
    pub salt: Vec<u8>,
    /// Memory in KiB.
    pub memory_kib: i32,
    /// Passes over the memory.
    pub iterations: i32,
    /// Lanes.
    pub parallelism: i32,
}

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
}

/// Makes a master key known; promoted or not, as it is in the ring that is in force.
///
/// # Errors
/// As every query.
pub async fn register(conn: &mut PgConnection, fingerprint: &str, promoted: bool) -> Result<()> {
    let state = if promoted { "promoted" } else { "present" };
    sqlx::query!(
        "insert into master_keys (fingerprint, state) values ($1, $2)
        on conflict (fingerprint) do update set state = $2 where master_keys.state <> $2",
        fingerprint,
        state
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a master key that comes from a passphrase known.
///
/// # Errors
/// As every query.
pub async fn register_passphrase(conn: &mut PgConnection, row: &PassphraseRow) -> Result<()> {
    sqlx::query!(
        "insert into master_keys (fingerprint, state, salt, memory_kib, iterations, parallelism)
        values ($1, 'present', $2, $3, $4, $5)",
        row.fingerprint,
        row.salt,
        row.memory_kib,
        row.iterations,
        row.parallelism
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What derives the keys that come from passphrases, newest first.
///
/// # Errors
/// As every query.
pub async fn passphrases(conn: &mut PgConnection, rows_max: i64) -> Result<Vec<PassphraseRow>> {
    let rows = sqlx::query_as!(
        PassphraseRow,
        r#"select fingerprint, salt as "salt!", memory_kib as "memory_kib!", iterations as "iterations!",
            parallelism as "parallelism!"
        from master_keys
        where salt is not null and memory_kib is not null and iterations is not null and parallelism is not null
        order by create_time desc, fingerprint limit $1"#,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Counts wraps made with a master key, and answers how many it has made.
///
/// # Errors
/// As every query.
pub async fn add_wraps(conn: &mut PgConnection, fingerprint: &str, wraps: i64) -> Result<i64> {
    let total = sqlx::query_scalar!(
        "insert into master_keys (fingerprint, state, wraps) values ($1, 'present', $2)
        on conflict (fingerprint) do update set wraps = master_keys.wraps + $2 returning wraps",
        fingerprint,
        wraps
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// All master keys that are known or that something is wrapped with.
///
/// # Errors
/// As every query.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<MasterKeyRow>> {
    let rows = sqlx::query_as!(
        MasterKeyRow,
        r#"with wrapping as (
            select master_key_fingerprint as fingerprint, count(*) as secrets from secrets group by 1
        ), known as (
            select fingerprint from master_keys union select fingerprint from wrapping
            union select master_key_fingerprint from cluster where master_key_fingerprint is not null
        )
        select known.fingerprint as "fingerprint!", coalesce(master_keys.wraps, 0) as "wraps!",
            coalesce(wrapping.secrets, 0) as "secrets!",
            exists (select from cluster where master_key_fingerprint = known.fingerprint) as "wraps_cluster_key!"
        from known left join master_keys using (fingerprint) left join wrapping using (fingerprint)
        order by known.fingerprint"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
