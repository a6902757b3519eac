//! Sealed ids: a lease id that every replica can read and nobody can forge, and its cousins for retries and pages.
//!
//! The text is base64url, unpadded, at most 5120 characters, of:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | format version, 1 |
//! | 1 | purpose: 1 lease, 2 retry, 3 page |
//! | 2..18 | boot id of the sealer |
//! | 18..26 | serial, big endian: from 0, never twice in a boot |
//! | 26.. | AES-256-GCM ciphertext, as long as the plaintext, then its 16-byte tag |
//!
//! The first 26 bytes are the AAD. The nonce is four zero bytes and the serial: random nonces would run out in half a day at
//! 100,000 ids a second. The key is HKDF-SHA256(ikm = subkey, salt = boot id, info = `keylease/sealed-id-boot/v1` and the
//! purpose byte), where the subkey is the cluster key's for `keylease/sealed-id/v1`. Uniqueness rests on the boot id: a machine
//! that is cloned while it runs must not go on serving in both copies.

use aes_gcm::{Aes256Gcm, KeyInit};
use uuid::Uuid;

use super::{errors::RandomError, key_bytes::KeyBytes, random};

mod opener;
mod sealer;
#[cfg(test)]
mod tests;

pub use opener::{IdOpener, Opened};
pub use sealer::{IdSealer, IdSealers, Serial};

const FORMAT_VERSION: u8 = 1;
const BOOT_END: usize = 18;
const HEADER_BYTES: usize = 26;
const TAG_BYTES: usize = 16;
const RAW_BYTES_MAX: usize = SEALED_ID_CHARS_MAX / 4 * 3;

/// The longest text of an id. A lease draws from every limit that applies, so it is as long as the largest lease needs: what an account
/// may be configured with must never be more than its leases can name.
pub const SEALED_ID_CHARS_MAX: usize = 5_120;
/// The most that an id holds, in bytes.
pub const SEALED_ID_PLAINTEXT_BYTES_MAX: usize = RAW_BYTES_MAX - HEADER_BYTES - TAG_BYTES;

/// What an id is for. An id of one purpose never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Names a lease.
    Lease,
    /// Tells a later lease what to avoid.
    Retry,
}

/// One run of one process. It can be neither copied nor chosen, since two sealers of one boot id would use nonces twice.
#[derive(Debug)]
pub struct BootId(Uuid);

impl BootId {
    /// The id of a boot that begins now.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self(
            uuid::Builder::from_random_bytes(random::array()?).into_uuid(),
        ))
    }

    /// The id as a plain value, to be published.
    pub fn uuid(&self) -> Uuid {
        self.0
    }
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Lease => 1,
            Self::Retry => 2,
        }
    }
}

#[expect(clippy::expect_used, reason = "a derived key has 32 bytes")]
fn cipher_of(root: &KeyBytes, boot_id: Uuid, purpose: Purpose) -> Aes256Gcm {
    let key = root.derive(
        boot_id.as_bytes(),
        &[b"keylease/sealed-id-boot/v1", &[purpose.byte()]],
    );
    Aes256Gcm::new_from_slice(key.expose()).expect("an AES-256 key has 32 bytes")
}

fn nonce_of(serial: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&serial.to_be_bytes());
    nonce
}
