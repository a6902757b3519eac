//! Sealing ids. The one rule is that no serial is ever used twice, and the types see to it.

use std::sync::atomic::{AtomicU64, Ordering};

use aes_gcm::{AeadInOut, Aes256Gcm, Nonce};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{
    BOOT_END, BootId, FORMAT_VERSION, HEADER_BYTES, Purpose, RAW_BYTES_MAX,
    SEALED_ID_PLAINTEXT_BYTES_MAX, TAG_BYTES, cipher_of, nonce_of,
};
use crate::crypto::{errors::SealedIdError, key_bytes::KeyBytes};

/// Serials of one boot and purpose. At 100,000 a second they last five years; the blocks sealed under one key stay near 2^50,
/// so that telling the cipher from chance has odds of 2^-28.
const SERIALS_MAX: u64 = 1 << 44;

/// The sealers of one boot, one for each purpose.
#[derive(Debug)]
pub struct IdSealers {
    /// Seals lease ids.
    pub lease: IdSealer,
    /// Seals retry tokens.
    pub retry: IdSealer,
}

/// Seals ids of one purpose for one boot.
#[derive(Debug)]
pub struct IdSealer {
    cipher: Aes256Gcm,
    boot_id: Uuid,
    purpose: Purpose,
    next: AtomicU64,
}

/// The right to seal one id: it is used up by sealing, and belongs to the sealer that gave it.
#[derive(Debug)]
pub struct Serial<'a> {
    sealer: &'a IdSealer,
    number: u64,
}

impl IdSealers {
    pub(in crate::crypto) fn new(root: &KeyBytes, boot: BootId) -> Self {
        let BootId(boot_id) = boot;
        let sealer = |purpose| IdSealer::new(root, boot_id, purpose);
        Self {
            lease: sealer(Purpose::Lease),
            retry: sealer(Purpose::Retry),
        }
    }
}

impl IdSealer {
    fn new(root: &KeyBytes, boot_id: Uuid, purpose: Purpose) -> Self {
        Self {
            cipher: cipher_of(root, boot_id, purpose),
            boot_id,
            purpose,
            next: AtomicU64::new(0),
        }
    }

    /// The next serial. One that is never sealed leaves a gap, which harms nothing.
    ///
    /// # Errors
    /// This boot has given all its serials.
    pub fn next_serial(&self) -> Result<Serial<'_>, SealedIdError> {
        // A refused call counts too; 2^64 of them, which would wrap, take longer than any process runs.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= SERIALS_MAX {
            return Err(SealedIdError::SerialsExhausted);
        }
        Ok(Serial {
            sealer: self,
            number,
        })
    }

    fn header(&self, serial: u64) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0] = FORMAT_VERSION;
        header[1] = self.purpose.byte();
        header[2..BOOT_END].copy_from_slice(self.boot_id.as_bytes());
        header[BOOT_END..].copy_from_slice(&serial.to_be_bytes());
        header
    }
}

impl Serial<'_> {
    /// The serial as a plain number, unique within boot and purpose.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Seals `plaintext` into the text of an id. Only the text is allocated.
    ///
    /// # Errors
    /// The plaintext is longer than [`SEALED_ID_PLAINTEXT_BYTES_MAX`].
    #[expect(
        clippy::expect_used,
        reason = "AES-GCM refuses nothing shorter than 64 GiB"
    )]
    pub fn seal(self, plaintext: &[u8]) -> Result<String, SealedIdError> {
        let (found, max) = (plaintext.len(), SEALED_ID_PLAINTEXT_BYTES_MAX);
        if found > max {
            return Err(SealedIdError::PlaintextTooLong { found, max });
        }
        let (body_end, header) = (HEADER_BYTES + found, self.sealer.header(self.number));
        let mut raw = [0; RAW_BYTES_MAX];
        raw[..HEADER_BYTES].copy_from_slice(&header);
        raw[HEADER_BYTES..body_end].copy_from_slice(plaintext);
        let body = &mut raw[HEADER_BYTES..body_end];
        let nonce = Nonce::from(nonce_of(self.number));
        let tag = self
            .sealer
            .cipher
            .encrypt_inout_detached(&nonce, &header, body.into());
        let tag = tag.expect("AES-GCM takes any plaintext shorter than 64 GiB");
        raw[body_end..body_end + TAG_BYTES].copy_from_slice(&tag);
        Ok(URL_SAFE_NO_PAD.encode(&raw[..body_end + TAG_BYTES]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_refused_long_before_they_wrap() {
        let sealer = IdSealer::new(&KeyBytes::of(1), Uuid::from_u128(1), Purpose::Lease);
        sealer.next.store(SERIALS_MAX - 1, Ordering::Relaxed);
        assert!(sealer.next_serial().is_ok());
        assert_eq!(
            sealer.next_serial().err(),
            Some(SealedIdError::SerialsExhausted)
        );
        assert_eq!(
            sealer.next_serial().err(),
            Some(SealedIdError::SerialsExhausted)
        );
    }
}
