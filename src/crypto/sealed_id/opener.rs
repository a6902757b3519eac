//! Opening ids of any boot, with the ciphers of the boots seen kept ready.

use std::{collections::HashMap, fmt, sync::Arc};

use aes_gcm::{AeadInOut, Aes256Gcm, Nonce, Tag};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::RwLock;
use uuid::Uuid;

use super::{
    BOOT_END, FORMAT_VERSION, HEADER_BYTES, Purpose, RAW_BYTES_MAX, SEALED_ID_CHARS_MAX, TAG_BYTES,
    cipher_of, nonce_of,
};
use crate::crypto::{errors::SealedIdError, key_bytes::KeyBytes};

/// Boots whose cipher is kept, about 1 KiB each: far more than replicas live at a time.
const CIPHERS_MAX: usize = 1024;

/// Opens ids of one purpose, whichever replica sealed them.
pub struct IdOpener {
    root: KeyBytes,
    purpose: Purpose,
    ciphers: RwLock<HashMap<Uuid, Kept>>,
}

/// What an id held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The boot that sealed it.
    pub boot_id: Uuid,
    /// Its serial in that boot.
    pub serial: u64,
    /// What was sealed.
    pub plaintext: Vec<u8>,
}

struct Kept {
    cipher: Arc<Aes256Gcm>,
    /// How many ciphers had been kept before this one; when there is no room, the lowest goes.
    order: u64,
}

impl IdOpener {
    pub(in crate::crypto) fn new(root: KeyBytes, purpose: Purpose) -> Self {
        Self {
            root,
            purpose,
            ciphers: RwLock::default(),
        }
    }

    /// Opens the text of an id.
    ///
    /// # Errors
    /// [`SealedIdError::DoesNotOpen`], whatever is wrong with it.
    pub fn open(&self, text: &str) -> Result<Opened, SealedIdError> {
        if text.len() > SEALED_ID_CHARS_MAX {
            return Err(SealedIdError::DoesNotOpen);
        }
        let mut raw = [0; RAW_BYTES_MAX];
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, &mut raw)
            .map_err(|_| SealedIdError::DoesNotOpen)?;
        self.open_raw(&mut raw[..length])
    }

    fn open_raw(&self, raw: &mut [u8]) -> Result<Opened, SealedIdError> {
        let (header, sealed) = raw
            .split_first_chunk_mut()
            .ok_or(SealedIdError::DoesNotOpen)?;
        let (body, tag) = sealed
            .split_last_chunk_mut()
            .ok_or(SealedIdError::DoesNotOpen)?;
        if header[..2] != [FORMAT_VERSION, self.purpose.byte()] {
            return Err(SealedIdError::DoesNotOpen);
        }
        self.decrypt(header, body, tag)?;
        let (boot_id, serial) = read_header(header);
        Ok(Opened {
            boot_id,
            serial,
            plaintext: body.to_vec(),
        })
    }

    fn decrypt(
        &self,
        header: &[u8; HEADER_BYTES],
        body: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), SealedIdError> {
        let (boot_id, serial) = read_header(header);
        let (nonce, tag) = (Nonce::from(nonce_of(serial)), Tag::from(*tag));
        if let Some(cipher) = self.kept(boot_id) {
            let opened = cipher.decrypt_inout_detached(&nonce, header, body.into(), &tag);
            return opened.map_err(|_| SealedIdError::DoesNotOpen);
        }
        // A forged boot id costs its derivation and no more: the cipher is kept only once it has opened something.
        let cipher = cipher_of(&self.root, boot_id, self.purpose);
        let opened = cipher.decrypt_inout_detached(&nonce, header, body.into(), &tag);
        opened.map_err(|_| SealedIdError::DoesNotOpen)?;
        self.keep(boot_id, Arc::new(cipher));
        Ok(())
    }

    fn kept(&self, boot_id: Uuid) -> Option<Arc<Aes256Gcm>> {
        self.ciphers
            .read()
            .get(&boot_id)
            .map(|kept| Arc::clone(&kept.cipher))
    }

    fn keep(&self, boot_id: Uuid, cipher: Arc<Aes256Gcm>) {
        let mut ciphers = self.ciphers.write();
        if ciphers.contains_key(&boot_id) {
            return;
        }
        let by_order = |(boot_id, kept): (&Uuid, &Kept)| (kept.order, *boot_id);
        let oldest = ciphers.iter().map(by_order).min();
        let order = ciphers
            .values()
            .map(|kept| kept.order + 1)
            .max()
            .unwrap_or(0);
        if let Some((_, oldest)) = oldest.filter(|_| ciphers.len() >= CIPHERS_MAX) {
            ciphers.remove(&oldest);
        }
        ciphers.insert(boot_id, Kept { cipher, order });
    }
}

fn read_header(header: &[u8; HEADER_BYTES]) -> (Uuid, u64) {
    let mut boot_id = [0; 16];
    boot_id.copy_from_slice(&header[2..BOOT_END]);
    let mut serial = [0; 8];
    serial.copy_from_slice(&header[BOOT_END..]);
    (Uuid::from_bytes(boot_id), u64::from_be_bytes(serial))
}

impl fmt::Debug for IdOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdOpener")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl IdOpener {
    pub(super) fn ciphers_kept(&self) -> usize {
        self.ciphers.read().len()
    }
}
