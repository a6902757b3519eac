//! Sealing a provider's secret: a fresh data key (DEK) per secret, wrapped by the promoted master key.
//!
//! Three columns hold it: the master key's fingerprint, the wrapped DEK, and the ciphertext. The last two are messages in the
//! format of `sealed_message`. Their contexts are parts, each after its length in four bytes, big endian:
//!
//! - ciphertext, under the DEK: `keylease/key-data/v1`, key uid (16 bytes), version (4 bytes, big endian), field, then the
//!   allowed hosts, sorted by their bytes, each once;
//! - wrapped DEK, under the master key: `keylease/key-wrap/v1`, the same, and last the master key's fingerprint (8 bytes).
//!
//! So rewrapping leaves the ciphertext alone, and whoever swaps rows, or adds a host to send the secret to, gets nothing. What
//! this can't see is a whole older row put back: a secret's former hosts open its former ciphertext.

use uuid::Uuid;

use super::{
    encoding::Parts,
    errors::EnvelopeError,
    fingerprint::Fingerprint,
    key_bytes::KeyBytes,
    key_ring::KeyRing,
    master_key::MasterKey,
    sealed_message::{self, DoesNotOpen, OVERHEAD_BYTES},
    secret::Secret,
};

#[cfg(test)]
mod tests;

/// The longest secret, in bytes. A service-account file has some 3 KiB; a certificate chain with its key fits too.
pub const PLAINTEXT_BYTES_MAX: usize = 64 * 1024;
/// The most that field name and hosts may take: a hundred host names, against a row that makes every opening slow.
pub const CONTEXT_BYTES_MAX: usize = 16 * 1024;

/// What a secret is sealed for. Opening takes exactly the same.
#[derive(Debug, Clone, Copy)]
pub struct SealContext<'a> {
    /// The key's immutable uid.
    pub key_uid: Uuid,
    /// The version's number within its key.
    pub version: u32,
    /// Which field of the credential this is.
    pub field: &'a str,
    /// Where the secret may be sent; order and repetition do not matter.
    pub allowed_hosts: &'a [String],
}

/// A sealed secret: three columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The master key that wraps the data key.
    pub master_key: Fingerprint,
    /// The data key, wrapped.
    pub wrapped_dek: Vec<u8>,
    /// The secret, under the data key.
    pub ciphertext: Vec<u8>,
}

/// Seals `secret` under a fresh data key, wrapped by `master_key`, which is the promoted one.
///
/// # Errors
/// The secret or its context is too long, or there is no randomness.
pub fn seal(
    master_key: &MasterKey,
    context: &SealContext<'_>,
    secret: &Secret,
) -> Result<Sealed, EnvelopeError> {
    if secret.len() > PLAINTEXT_BYTES_MAX {
        return Err(EnvelopeError::SecretTooLong {
            found: secret.len(),
            max: PLAINTEXT_BYTES_MAX,
        });
    }
    let dek = KeyBytes::random()?;
    let wrapped_dek = wrap(master_key, context, &dek)?;
    let ciphertext = sealed_message::seal(&dek, &context.of_data()?, secret.expose())?;
    Ok(Sealed {
        master_key: master_key.fingerprint(),
        wrapped_dek,
        ciphertext,
    })
}

/// Opens what [`seal`] sealed for the same context.
///
/// # Errors
/// The ring lacks the master key, or the row is not what was sealed for this context.
pub fn open(
    ring: &KeyRing,
    context: &SealContext<'_>,
    sealed: &Sealed,
) -> Result<Secret, EnvelopeError> {
    if sealed.ciphertext.len() > PLAINTEXT_BYTES_MAX + OVERHEAD_BYTES {
        return Err(EnvelopeError::DoesNotOpen);
    }
    let dek = unwrap(ring, context, sealed)?;
    let mut secret = sealed_message::open(&dek, &context.of_data()?, &sealed.ciphertext)?;
    Ok(Secret::new(std::mem::take(&mut *secret)))
}

/// Moves the wrap to the master key `to`; the ciphertext stays as it is. A row that is there already comes back unchanged, so that
/// a resumed batch costs no wraps.
///
/// # Errors
/// The ring lacks the old master key, or the wrap is not what was sealed for this context.
pub fn rewrap(
    ring: &KeyRing,
    to: &MasterKey,
    context: &SealContext<'_>,
    sealed: &Sealed,
) -> Result<Sealed, EnvelopeError> {
    let dek = unwrap(ring, context, sealed)?;
    if sealed.master_key == to.fingerprint() {
        return Ok(sealed.clone());
    }
    let wrapped_dek = wrap(to, context, &dek)?;
    Ok(Sealed {
        master_key: to.fingerprint(),
        wrapped_dek,
        ciphertext: sealed.ciphertext.clone(),
    })
}

fn wrap(
    master_key: &MasterKey,
    context: &SealContext<'_>,
    dek: &KeyBytes,
) -> Result<Vec<u8>, EnvelopeError> {
    let context = context.of_wrap(master_key.fingerprint())?;
    Ok(sealed_message::seal(
        master_key.key(),
        &context,
        dek.expose(),
    )?)
}

fn unwrap(
    ring: &KeyRing,
    context: &SealContext<'_>,
    sealed: &Sealed,
) -> Result<KeyBytes, EnvelopeError> {
    let master_key = ring.find(&sealed.master_key)?;
    let context = context.of_wrap(sealed.master_key)?;
    Ok(sealed_message::open_key(
        master_key.key(),
        &context,
        &sealed.wrapped_dek,
    )?)
}

impl SealContext<'_> {
    pub(super) fn of_data(&self) -> Result<Vec<u8>, EnvelopeError> {
        Ok(self
            .append_to(Parts::labelled("keylease/key-data/v1"))?
            .finish())
    }

    pub(super) fn of_wrap(&self, master_key: Fingerprint) -> Result<Vec<u8>, EnvelopeError> {
        let parts = self.append_to(Parts::labelled("keylease/key-wrap/v1"))?;
        Ok(parts.with(&master_key.to_bytes()).finish())
    }

    fn append_to(&self, parts: Parts) -> Result<Parts, EnvelopeError> {
        let found = self
            .allowed_hosts
            .iter()
            .map(|host| host.len() + 4)
            .sum::<usize>()
            + self.field.len();
        if found > CONTEXT_BYTES_MAX {
            return Err(EnvelopeError::ContextTooLong {
                found,
                max: CONTEXT_BYTES_MAX,
            });
        }
        let mut hosts: Vec<&str> = self.allowed_hosts.iter().map(String::as_str).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let parts = parts
            .with(self.key_uid.as_bytes())
            .with(&self.version.to_be_bytes())
            .with(self.field.as_bytes());
        Ok(hosts
            .iter()
            .fold(parts, |parts, host| parts.with(host.as_bytes())))
    }
}

impl From<DoesNotOpen> for EnvelopeError {
    fn from(DoesNotOpen: DoesNotOpen) -> Self {
        Self::DoesNotOpen
    }
}
