//! 256 bits of key: they stay at one place on the heap, are filled there, and are wiped there.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::{errors::RandomError, random};

/// Length of every symmetric key here.
pub(super) const KEY_BYTES: usize = 32;

/// A 256-bit key. Boxed, since moving an array leaves copies of it behind that nobody wipes.
pub(super) struct KeyBytes(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl KeyBytes {
    /// A key to be filled in place.
    pub(super) fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_BYTES])))
    }

    /// A fresh random key.
    pub(super) fn random() -> Result<Self, RandomError> {
        let mut key = Self::zeroed();
        random::fill(key.expose_mut())?;
        Ok(key)
    }

    /// The subkey HKDF-SHA256(ikm = this key, salt, info).
    pub(super) fn derive(&self, salt: &[u8], info: &[&[u8]]) -> Self {
        let mut subkey = Self::zeroed();
        self.derive_into(salt, info, subkey.expose_mut());
        subkey
    }

    /// HKDF-SHA256(ikm = this key, salt, info = the concatenation) into `out`. An empty salt means 32 zero bytes (RFC 5869).
    #[expect(
        clippy::expect_used,
        reason = "the length is checked when this is compiled"
    )]
    pub(super) fn derive_into<const N: usize>(
        &self,
        salt: &[u8],
        info: &[&[u8]],
        out: &mut [u8; N],
    ) {
        const { assert!(N <= 255 * 32, "HKDF-SHA256 gives at most 8160 bytes") };
        let (mut extracted, hkdf) = Hkdf::<Sha256>::extract(Some(salt), self.expose());
        hkdf.expand_multi_info(info, out)
            .expect("HKDF takes any output of up to 8160 bytes");
        extracted.as_mut_slice().zeroize();
    }

    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn expose_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        &mut self.0
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

#[cfg(test)]
impl KeyBytes {
    /// A key of known bytes, for known-answer tests.
    pub(super) fn of(byte: u8) -> Self {
        let mut key = Self::zeroed();
        key.expose_mut().fill(byte);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_keys_differ() {
        assert_ne!(
            KeyBytes::random().unwrap().expose(),
            KeyBytes::random().unwrap().expose()
        );
    }

    #[test]
    fn salt_and_info_each_separate_subkeys() {
        let key = KeyBytes::of(7);
        let subkey = key.derive(b"salt", &[b"info"]);
        assert_ne!(subkey.expose(), key.derive(b"salu", &[b"info"]).expose());
        assert_ne!(subkey.expose(), key.derive(b"salt", &[b"infp"]).expose());
        assert_eq!(
            subkey.expose(),
            key.derive(b"salt", &[b"in", b"fo"]).expose()
        );
    }

    #[test]
    fn what_a_cipher_keeps_of_a_key_is_wiped_on_drop() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<aes_gcm::Aes256Gcm>();
        wiped::<Zeroizing<[u8; KEY_BYTES]>>();
    }
}
