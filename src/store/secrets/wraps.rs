//! The wrapped data keys of sealed fields: what of them is to be wrapped anew, a batch at a time.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::Result;

/// A wrapped data key, and what it was wrapped for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapRow {
    /// The version.
    pub version_uid: Uuid,
    /// Which field of the credential.
    pub field: String,
    /// The version's key.
    pub key_uid: Uuid,
    /// The version's number.
    pub number: i32,
    /// The hosts that it is sealed for.
    pub sealed_hosts: Vec<String>,
    /// The master key that wraps it.
    pub master_key_fingerprint: String,
    /// The data key, wrapped.
    pub wrapped_dek: Vec<u8>,
}

/// A data key that was wrapped anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrapped {
    /// The version.
    pub version_uid: Uuid,
    /// Which field of the credential.
    pub field: String,
    /// The wrap that was read.
    pub old: Vec<u8>,
    /// The new wrap.
    pub new: Vec<u8>,
}

/// The next data keys after a row that are not wrapped with this master key.
///
/// # Errors
/// As every query.
pub async fn not_wrapped_with(
    conn: &mut PgConnection,
    fingerprint: &str,
    after: Option<&(Uuid, String)>,
    rows_max: i64,
) -> Result<Vec<WrapRow>> {
    let (uid, field) = after.map_or((Uuid::nil(), ""), |(uid, field)| (*uid, field.as_str()));
    let rows = sqlx::query_as!(
        WrapRow,
        "select s.version_uid, s.field, v.key_uid, v.number, v.sealed_hosts, s.master_key_fingerprint, s.wrapped_dek
        from secrets s join key_versions v on v.uid = s.version_uid
        where (s.version_uid, s.field) > ($2, $3) and s.master_key_fingerprint <> $1
        order by s.version_uid, s.field limit $4",
        fingerprint,
        uid,
        field,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many data keys are not wrapped with this master key.
///
/// # Errors
/// As every query.
pub async fn count_not_wrapped_with(conn: &mut PgConnection, fingerprint: &str) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from secrets where master_key_fingerprint <> $1"#,
        fingerprint
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Stores new wraps, each where the old one still stands: what was sealed anew meanwhile stays. Answers how many were stored.
///
/// # Errors
/// As every query.
pub async fn rewrap(conn: &mut PgConnection, fingerprint: &str, rows: &[Rewrapped]) -> Result<u64> {
    let uids: Vec<Uuid> = rows.iter().map(|row| row.version_uid).collect();
    let fields: Vec<String> = rows.iter().map(|row| row.field.clone()).collect();
    let old: Vec<Vec<u8>> = rows.iter().map(|row| row.old.clone()).collect();
    let new: Vec<Vec<u8>> = rows.iter().map(|row| row.new.clone()).collect();
    let stored = sqlx::query!(
        "update secrets s set master_key_fingerprint = $1, wrapped_dek = d.new
        from unnest($2::uuid[], $3::text[], $4::bytea[], $5::bytea[]) as d (uid, field, old, new)
        where s.version_uid = d.uid and s.field = d.field and s.wrapped_dek = d.old",
        fingerprint,
        &uids,
        &fields,
        &old,
        &new
    )
    .execute(conn)
    .await?;
    Ok(stored.rows_affected())
}

/// A sealed field, and what it was sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Its data key.
    pub wrap: WrapRow,
    /// The version's stage.
    pub stage: String,
    /// The value, under the data key.
    pub ciphertext: Vec<u8>,
    /// Keyed digest of the whole credential.
    pub fingerprint: Vec<u8>,
}

/// The next sealed fields after one, of all versions.
///
/// # Errors
/// As every query.
pub async fn all_after(
    conn: &mut PgConnection,
    after: Option<&(Uuid, String)>,
    rows_max: i64,
) -> Result<Vec<SealedRow>> {
    let (uid, field) = after.map_or((Uuid::nil(), ""), |(uid, field)| (*uid, field.as_str()));
    let rows = sqlx::query!(
        "select s.version_uid, s.field, v.key_uid, v.number, v.stage, v.sealed_hosts, s.master_key_fingerprint, s.wrapped_dek, s.ciphertext,
            s.fingerprint
        from secrets s join key_versions v on v.uid = s.version_uid
        where (s.version_uid, s.field) > ($1, $2) order by s.version_uid, s.field limit $3",
        uid,
        field,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let sealed = rows.into_iter().map(|row| SealedRow {
        wrap: WrapRow {
            version_uid: row.version_uid,
            field: row.field,
            key_uid: row.key_uid,
            number: row.number,
            sealed_hosts: row.sealed_hosts,
            master_key_fingerprint: row.master_key_fingerprint,
            wrapped_dek: row.wrapped_dek,
        },
        stage: row.stage,
        ciphertext: row.ciphertext,
        fingerprint: row.fingerprint,
    });
    Ok(sealed.collect())
}
