//! Sealing secrets into rows, and sealing them anew when the hosts of their account change.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use subtle::ConstantTimeEq;

use super::error::Refusal;
use super::keys::VaultKeys;
use super::master_keys::promoted::sealer;
use super::secret_value::{SecretValue, digest};
use super::{Result, Work};
use crate::crypto::{
    self, EnvelopeError, Fingerprint, FingerprintKey, KeyRing, SealContext, Sealed, Secret,
    WrapBudget, check_wraps,
};
use crate::domain::account::Account;
use crate::domain::key::KeyVersion;
use crate::store::secrets::{self, SealedRow, SecretRow, WrapRow};
use crate::store::{key_versions, master_keys};

mod known;

pub(super) use known::refuse_known;

/// Seals a credential for the hosts of its version.
pub(super) async fn put(
    work: &mut Work<'_>,
    version: &KeyVersion,
    secret: &SecretValue,
) -> Result<()> {
    let sealer = sealer(work).await?;
    count_wraps(work.conn, sealer.fingerprint(), secret.wraps()).await?;
    let fingerprint = secret.fingerprint(work.keys);
    for (field, value) in secret.parts() {
        let sealed = crypto::seal(sealer.master_key()?, &context(version, field), value)?;
        let row = row(field, sealed, fingerprint.to_vec());
        secrets::put(work.conn, version.meta.uid, &row).await?;
    }
    Ok(())
}

/// Seals every secret of these versions for the hosts that their account has now. Answers how many versions there were.
pub(super) async fn seal_anew(
    work: &mut Work<'_>,
    versions: Vec<KeyVersion>,
    account: &Account,
) -> Result<usize> {
    let count = versions.len();
    if count == 0 {
        return Ok(0);
    }
    let (ring, sealer) = (work.keys.ring(), sealer(work).await?);
    for old in versions {
        let mut new = old.clone();
        new.sealed_hosts.clone_from(&account.endpoint.allowed_hosts);
        new.meta.touch(work.rev, work.now);
        for stored in secrets::of_version(work.conn, old.meta.uid).await? {
            let sealed = sealed(&stored)?;
            let secret = crypto::open(&ring, &context(&old, &stored.field), &sealed)?;
            count_wraps(work.conn, sealer.fingerprint(), 1).await?;
            let context = context(&new, &stored.field);
            let sealed = crypto::seal(sealer.master_key()?, &context, &secret)?;
            let row = row(&stored.field, sealed, stored.fingerprint);
            secrets::put(work.conn, new.meta.uid, &row).await?;
        }
        key_versions::update(work.conn, &new).await?;
    }
    Ok(count)
}

/// Counts wraps against the budget of a master key, in the transaction that stores them.
pub(super) async fn count_wraps(
    conn: &mut PgConnection,
    master_key: Fingerprint,
    wraps: i64,
) -> Result<()> {
    let fingerprint = master_key.to_string();
    let total = master_keys::add_wraps(conn, &fingerprint, wraps).await?;
    if heed_wraps(&fingerprint, total) == WrapBudget::Refuse {
        let message = format!(
            "master key {fingerprint} has wrapped {total} times and must not wrap more, promote another first"
        );
        let resource = fingerprint;
        return Err(Refusal::State { resource, message }.into());
    }
    Ok(())
}

/// What so many wraps of a master key mean; it is told where they are many.
pub(super) fn heed_wraps(fingerprint: &str, total: i64) -> WrapBudget {
    let budget = check_wraps(u64::try_from(total).unwrap_or(u64::MAX));
    if budget == WrapBudget::Warn {
        tracing::warn!(
            fingerprint,
            wraps = total,
            "a master key has wrapped often, rotate it"
        );
    }
    budget
}

/// A data key, wrapped anew by another master key of the ring.
pub(super) fn rewrapped(
    ring: &KeyRing,
    to: Fingerprint,
    row: &WrapRow,
) -> std::result::Result<Vec<u8>, EnvelopeError> {
    // The value is not touched.
    let sealed = sealed_of(row, Vec::new())?;
    let moved = crypto::rewrap(ring, ring.find(&to)?, &context_of(row)?, &sealed);
    moved.map(|sealed| sealed.wrapped_dek)
}

/// Opens a sealed field for what its row says of it.
pub(super) fn opened(
    ring: &KeyRing,
    row: &SealedRow,
) -> std::result::Result<Secret, EnvelopeError> {
    let sealed = sealed_of(&row.wrap, row.ciphertext.clone())?;
    crypto::open(ring, &context_of(&row.wrap)?, &sealed)
}

/// Whether these fields, opened, are the whole credential that was stored: each of their rows has a digest of all of it.
pub(super) fn is_whole<'a>(
    key: &FingerprintKey,
    fields: impl IntoIterator<Item = (&'a str, &'a Secret, &'a [u8])>,
) -> bool {
    let (mut parts, mut digests) = (BTreeMap::new(), Vec::new());
    for (name, value, stored) in fields {
        parts.insert(name, value);
        digests.push(stored);
    }
    let digest = digest(key, &parts);
    digests
        .iter()
        .all(|stored| bool::from(stored.ct_eq(digest.as_slice())))
}

fn context_of(row: &WrapRow) -> std::result::Result<SealContext<'_>, EnvelopeError> {
    let number = u32::try_from(row.number);
    Ok(SealContext {
        key_uid: row.key_uid,
        version: number.map_err(|_| EnvelopeError::DoesNotOpen)?,
        field: &row.field,
        allowed_hosts: &row.sealed_hosts,
    })
}

fn sealed_of(row: &WrapRow, ciphertext: Vec<u8>) -> std::result::Result<Sealed, EnvelopeError> {
    let master_key = row.master_key_fingerprint.parse();
    Ok(Sealed {
        master_key: master_key.map_err(|_| EnvelopeError::DoesNotOpen)?,
        wrapped_dek: row.wrapped_dek.clone(),
        ciphertext,
    })
}

const fn context<'a>(version: &'a KeyVersion, field: &'a str) -> SealContext<'a> {
    SealContext {
        key_uid: version.key_uid,
        version: version.number,
        field,
        allowed_hosts: version.sealed_hosts.as_slice(),
    }
}

fn row(field: &str, sealed: Sealed, fingerprint: Vec<u8>) -> SecretRow {
    SecretRow {
        field: field.to_owned(),
        master_key_fingerprint: sealed.master_key.to_string(),
        wrapped_dek: sealed.wrapped_dek,
        ciphertext: sealed.ciphertext,
        fingerprint,
    }
}

fn sealed(row: &SecretRow) -> Result<Sealed> {
    let master_key = row.master_key_fingerprint.parse();
    Ok(Sealed {
        master_key: master_key.map_err(|_| crypto::EnvelopeError::DoesNotOpen)?,
        wrapped_dek: row.wrapped_dek.clone(),
        ciphertext: row.ciphertext.clone(),
    })
}

impl VaultKeys {
    /// Opens a sealed field of a version, as [`SealContext`] says.
    ///
    /// # Errors
    /// The ring lacks the master key, or the row is not what was sealed for this version and its hosts.
    pub fn open_secret(&self, version: &KeyVersion, row: &SecretRow) -> Result<crypto::Secret> {
        let context = context(version, &row.field);
        Ok(crypto::open(&self.ring(), &context, &sealed(row)?)?)
    }
}
