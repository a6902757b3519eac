//! What derives master keys from passphrases.

use sqlx::PgConnection;

use crate::store::Result;

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
    /// The key that the same passphrase gave under weaker parameters, for people: nothing follows from it.
    pub replaces: Option<String>,
}

/// Makes a master key that comes from a passphrase known.
///
/// # Errors
/// As every query.
pub async fn register_passphrase(conn: &mut PgConnection, row: &PassphraseRow) -> Result<()> {
    sqlx::query!(
        "insert into master_keys (fingerprint, state, salt, memory_kib, iterations, parallelism, replaces)
        values ($1, 'present', $2, $3, $4, $5, $6)",
        row.fingerprint,
        row.salt,
        row.memory_kib,
        row.iterations,
        row.parallelism,
        row.replaces
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What derives the keys that come from passphrases: first those that something is wrapped with, or is to be, then the newest.
///
/// # Errors
/// As every query.
pub async fn passphrases(conn: &mut PgConnection, rows_max: i64) -> Result<Vec<PassphraseRow>> {
    let rows = sqlx::query_as!(
        PassphraseRow,
        r#"select fingerprint, salt as "salt!", memory_kib as "memory_kib!", iterations as "iterations!",
            parallelism as "parallelism!", replaces
        from master_keys m
        where retire_time is null and salt is not null and memory_kib is not null and iterations is not null and parallelism is not null
        order by exists (select from secrets s where s.master_key_fingerprint = m.fingerprint)
                or exists (select from cluster c where m.fingerprint in (c.master_key_fingerprint, c.promoted_master_key)) desc,
            create_time desc, fingerprint
        limit $1"#,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
