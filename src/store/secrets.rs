//! Table `secrets`: the sealed fields of key versions.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::version_name;

mod wraps;

pub use wraps::{
    Rewrapped, SealedRow, WrapRow, all_after, count_not_wrapped_with, not_wrapped_with, rewrap,
};

/// A sealed field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Which field of the credential.
    pub field: String,
    /// The master key that wraps its data key.
    pub master_key_fingerprint: String,
    /// The data key, wrapped.
    pub wrapped_dek: Vec<u8>,
    /// The value, under the data key.
    pub ciphertext: Vec<u8>,
    /// Keyed digest of the whole credential: finds duplicates.
    pub fingerprint: Vec<u8>,
}

/// A credential that is stored already, and the key that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The digest that was looked for.
    pub fingerprint: Vec<u8>,
    /// The account's id.
    pub account_id: String,
    /// The key's id.
    pub key_id: String,
    /// The key's current version has it, and not just one whose last leases are out.
    pub is_current: bool,
}

/// The fields of a version.
///
/// # Errors
/// As every query.
pub async fn of_version(conn: &mut PgConnection, version_uid: Uuid) -> Result<Vec<SecretRow>> {
    let rows = sqlx::query_as!(
        SecretRow,
        "select field, master_key_fingerprint, wrapped_dek, ciphertext, fingerprint
        from secrets where version_uid = $1 order by field",
        version_uid
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The fields of these versions, by version.
///
/// # Errors
/// As every query.
pub async fn of_versions(
    conn: &mut PgConnection,
    versions: &[Uuid],
) -> Result<HashMap<Uuid, Vec<SecretRow>>> {
    let rows = sqlx::query!(
        "select version_uid, field, master_key_fingerprint, wrapped_dek, ciphertext, fingerprint
        from secrets where version_uid = any($1) order by version_uid, field",
        versions
    )
    .fetch_all(conn)
    .await?;
    let mut by_version: HashMap<Uuid, Vec<SecretRow>> = HashMap::new();
    for row in rows {
        let fields = by_version.entry(row.version_uid).or_default();
        fields.push(SecretRow {
            field: row.field,
            master_key_fingerprint: row.master_key_fingerprint,
            wrapped_dek: row.wrapped_dek,
            ciphertext: row.ciphertext,
            fingerprint: row.fingerprint,
        });
    }
    Ok(by_version)
}

/// Inserts a field of a version, or seals it anew.
///
/// # Errors
/// As every query.
pub async fn put(conn: &mut PgConnection, version_uid: Uuid, row: &SecretRow) -> Result<()> {
    sqlx::query!(
        "insert into secrets (version_uid, field, master_key_fingerprint, wrapped_dek, ciphertext, fingerprint)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (version_uid, field)
        do update set master_key_fingerprint = $3, wrapped_dek = $4, ciphertext = $5, fingerprint = $6",
        version_uid,
        row.field,
        row.master_key_fingerprint,
        row.wrapped_dek,
        row.ciphertext,
        row.fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A version that has a credential, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The version.
    pub version_uid: Uuid,
    /// Its number.
    pub number: i32,
    /// The account's id.
    pub account_id: String,
    /// The key's id.
    pub key_id: String,
}

impl Holder {
    /// The version, by name.
    #[must_use]
    pub fn name(&self) -> String {
        version_name(&self.account_id, &self.key_id, self.number)
    }
}

/// The version of any key that has the credential of this digest and is not revoked, a current one first.
///
/// # Errors
/// As every query.
pub async fn holder(conn: &mut PgConnection, fingerprint: &[u8]) -> Result<Option<Holder>> {
    let holder = sqlx::query_as!(
        Holder,
        "select v.uid as version_uid, v.number, accounts.id as account_id, keys.id as key_id
        from secrets s join key_versions v on v.uid = s.version_uid
        join keys on keys.uid = v.key_uid join accounts on accounts.uid = keys.account_uid
        where s.fingerprint = $1 and v.stage <> 'revoked'
        order by v.stage <> 'current', v.number desc, v.uid limit 1",
        fingerprint
    )
    .fetch_optional(conn)
    .await?;
    Ok(holder)
}

/// Another version of the same key that holds the same credential and is not revoked, the newest if there are several, and its number.
///
/// # Errors
/// As every query.
pub async fn twin(conn: &mut PgConnection, version_uid: Uuid) -> Result<Option<(Uuid, i32)>> {
    let row = sqlx::query!(
        "select other.uid, other.number from key_versions this
        join key_versions other on other.key_uid = this.key_uid and other.uid <> this.uid and other.stage <> 'revoked'
        where this.uid = $1 and exists (
            select from secrets mine join secrets theirs on theirs.fingerprint = mine.fingerprint
            where mine.version_uid = this.uid and theirs.version_uid = other.uid)
        order by other.number desc limit 1",
        version_uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.uid, row.number)))
}

/// Erases all fields of a version.
///
/// # Errors
/// As every query.
pub async fn erase(conn: &mut PgConnection, version_uid: Uuid) -> Result<()> {
    sqlx::query!("delete from secrets where version_uid = $1", version_uid)
        .execute(conn)
        .await?;
    Ok(())
}

/// Which of these credentials are stored already.
///
/// # Errors
/// As every query.
pub async fn duplicates(
    conn: &mut PgConnection,
    fingerprints: &[Vec<u8>],
) -> Result<Vec<Duplicate>> {
    let rows = sqlx::query_as!(
        Duplicate,
        "select secrets.fingerprint, accounts.id as account_id, keys.id as key_id,
            bool_or(key_versions.stage = 'current') as \"is_current!\"
        from secrets
        join key_versions on key_versions.uid = secrets.version_uid
        join keys on keys.uid = key_versions.key_uid
        join accounts on accounts.uid = keys.account_uid
        where secrets.fingerprint = any($1) and key_versions.stage <> 'revoked'
        group by secrets.fingerprint, accounts.id, keys.id
        order by accounts.id, keys.id",
        fingerprints
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The master key that wraps each of these versions, by version.
///
/// # Errors
/// As every query.
pub async fn wrapping(conn: &mut PgConnection, versions: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let rows = sqlx::query!(
        "select version_uid, master_key_fingerprint from secrets where version_uid = any($1)",
        versions
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows
        .into_iter()
        .map(|row| (row.version_uid, row.master_key_fingerprint));
    Ok(pairs.collect())
}

/// The fingerprints of all master keys that wrap something.
///
/// # Errors
/// As every query.
pub async fn master_keys(conn: &mut PgConnection) -> Result<Vec<String>> {
    let fingerprints = sqlx::query_scalar!("select distinct master_key_fingerprint from secrets")
        .fetch_all(conn)
        .await?;
    Ok(fingerprints)
}
