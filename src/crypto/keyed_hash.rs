//! HMAC-SHA256 with its key already absorbed, and the keyed fingerprints built on it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{encoding::length_prefix, key_bytes::KeyBytes, secret::Secret};

/// An HMAC-SHA256 key. Cloning the state that has absorbed the key saves two of the four compressions of a short message.
#[derive(Clone)]
pub(super) struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    pub(super) fn new(key: &KeyBytes) -> Self {
        Self::of(key.expose())
    }

    /// Of a key that somebody else has made, of whatever length.
    #[expect(clippy::expect_used, reason = "an HMAC key may have any length")]
    pub(super) fn of(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// A message to be fed piece by piece.
    pub(super) fn begin(&self) -> Hmac<Sha256> {
        self.0.clone()
    }

    /// The MAC of one message.
    pub(super) fn mac(&self, message: &[u8]) -> [u8; 32] {
        self.begin()
            .chain_update(message)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Whether `mac` belongs to `message`, in constant time.
    pub(super) fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        self.begin().chain_update(message).verify_slice(mac).is_ok()
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

/// Finds an imported secret that is already stored, without keeping anything from which it could be guessed offline.
#[derive(Debug)]
pub struct FingerprintKey(KeyedHash);

impl FingerprintKey {
    pub(super) fn new(key: &KeyBytes) -> Self {
        Self(KeyedHash::new(key))
    }

    /// HMAC-SHA256 of the secret's bytes: equal secrets have equal fingerprints.
    pub fn fingerprint(&self, secret: &Secret) -> [u8; 32] {
        self.0.mac(secret.expose())
    }
}

/// Tells a replay of an admin request from another request under the same id, though requests may hold secrets.
#[derive(Debug)]
pub struct RequestKey(KeyedHash);

impl RequestKey {
    pub(super) fn new(key: &KeyBytes) -> Self {
        Self(KeyedHash::new(key))
    }

    /// HMAC-SHA256 of the parts, each after its length (four bytes, big endian).
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let fed = parts.iter().fold(self.0.begin(), |mac, part| {
            mac.chain_update(length_prefix(part)).chain_update(part)
        });
        fed.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_are_found_and_other_keys_see_other_fingerprints() {
        let secret = Secret::new(b"sk-1".to_vec());
        let key = FingerprintKey::new(&KeyBytes::of(1));
        assert_eq!(
            key.fingerprint(&secret),
            key.fingerprint(&Secret::new(b"sk-1".to_vec()))
        );
        assert_ne!(
            key.fingerprint(&secret),
            key.fingerprint(&Secret::new(b"sk-2".to_vec()))
        );
        assert_ne!(
            key.fingerprint(&secret),
            FingerprintKey::new(&KeyBytes::of(2)).fingerprint(&secret)
        );
    }

    #[test]
    fn a_request_hash_sees_the_boundaries_of_its_parts() {
        let key = RequestKey::new(&KeyBytes::of(1));
        assert_eq!(key.hash(&[b"ab", b"c"]), key.hash(&[b"ab", b"c"]));
        assert_ne!(key.hash(&[b"ab", b"c"]), key.hash(&[b"a", b"bc"]));
        assert_ne!(key.hash(&[b"ab"]), key.hash(&[b"ab", b""]));
    }

    #[test]
    fn a_mac_of_another_length_does_not_verify() {
        let key = KeyedHash::new(&KeyBytes::of(1));
        let mac = key.mac(b"message");
        assert!(key.verify(b"message", &mac));
        assert!(!key.verify(b"messagf", &mac));
        for length in 0..mac.len() {
            assert!(!key.verify(b"message", &mac[..length]));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", FingerprintKey::new(&KeyBytes::of(1))),
            "FingerprintKey(redacted)"
        );
    }
}
