//! Master keys: the keys that are not in the database, and that wrap everything that is.
//!
//! As text a key is one line of 57 characters: `klmk1_`, then 43 characters of base62 (the 32 key bytes as one big-endian
//! number), then the CRC-32 (IEEE) of those 49 characters as eight lower-case hex digits.

use zeroize::Zeroizing;

use super::{
    base62,
    errors::{MasterKeyError, RandomError},
    fingerprint::Fingerprint,
    key_bytes::KeyBytes,
    passphrase::{self, PassphraseParameters},
    secret::Secret,
};

const PREFIX: &str = "klmk1_";
const CHECKED_CHARS: usize = PREFIX.len() + base62::KEY_CHARS;
const TEXT_CHARS: usize = CHECKED_CHARS + 8;

/// A 256-bit master key and its fingerprint.
#[derive(Debug)]
pub struct MasterKey {
    key: KeyBytes,
    fingerprint: Fingerprint,
}

impl MasterKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self::of(KeyBytes::random()?))
    }

    /// Reads the textual form; white space around it is ignored.
    ///
    /// # Errors
    /// Says whether the prefix, the length or the checksum is wrong, and repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim().as_bytes();
        if !text.starts_with(PREFIX.as_bytes()) {
            return Err(MasterKeyError::Prefix);
        }
        if text.len() != TEXT_CHARS {
            return Err(MasterKeyError::Length {
                found: text.len(),
                wanted: TEXT_CHARS,
            });
        }
        let (checked, checksum) = text.split_at(CHECKED_CHARS);
        if checksum_of(checked).as_bytes() != checksum {
            return Err(MasterKeyError::Checksum);
        }
        base62::parse_key(&checked[PREFIX.len()..])
            .map(Self::of)
            .ok_or(MasterKeyError::Body)
    }

    /// Stretches a passphrase with argon2id. Takes a good part of a second and the memory that `parameters` name: not for an
    /// async thread.
    ///
    /// # Errors
    /// The passphrase is too short, or a parameter is outside its bounds.
    pub fn from_passphrase(
        passphrase: &Secret,
        parameters: &PassphraseParameters,
    ) -> Result<Self, MasterKeyError> {
        passphrase::stretch(passphrase, parameters).map(Self::of)
    }

    /// The textual form, for a new key file. No line end.
    pub fn to_text(&self) -> Secret {
        let mut text = Zeroizing::new(Vec::with_capacity(TEXT_CHARS));
        text.extend_from_slice(PREFIX.as_bytes());
        base62::push_key(&self.key, &mut text);
        let checksum = checksum_of(&text);
        text.extend_from_slice(checksum.as_bytes());
        Secret::new(std::mem::take(&mut *text))
    }

    /// How rows name this key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn key(&self) -> &KeyBytes {
        &self.key
    }

    fn of(key: KeyBytes) -> Self {
        let fingerprint = Fingerprint::of(&key);
        Self { key, fingerprint }
    }
}

/// Eight hex digits against typing mistakes, not against forgers.
fn checksum_of(text: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(text))
}

#[cfg(test)]
impl MasterKey {
    /// A key of known bytes, for known-answer tests.
    pub(super) fn known(byte: u8) -> Self {
        Self::of(KeyBytes::of(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(key: &MasterKey) -> String {
        String::from_utf8(key.to_text().expose().to_vec()).unwrap()
    }

    #[test]
    fn the_text_of_a_known_key_is_known() {
        assert_eq!(
            text_of(&MasterKey::known(0x11)),
            "klmk1_42un7GJ8wIAbHDnhePy2Mqo9gkXYFS7sXjeCn1f4haTe9d1acb3"
        );
    }

    #[test]
    fn a_generated_key_reads_back_from_its_text_with_its_line_end() {
        let key = MasterKey::generate().unwrap();
        let read = MasterKey::parse(&format!("{}\n", text_of(&key))).unwrap();
        assert_eq!(read.key().expose(), key.key().expose());
        assert_eq!(read.fingerprint(), key.fingerprint());
    }

    #[test]
    fn every_truncated_paste_is_refused() {
        let text = text_of(&MasterKey::generate().unwrap());
        for length in 0..text.len() {
            let error = MasterKey::parse(&text[..length]).unwrap_err();
            assert!(
                matches!(
                    error,
                    MasterKeyError::Prefix | MasterKeyError::Length { .. }
                ),
                "{length}: {error}"
            );
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        let text = text_of(&MasterKey::generate().unwrap());
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let error = MasterKey::parse(&String::from_utf8(changed).unwrap()).unwrap_err();
            assert!(
                matches!(error, MasterKeyError::Prefix | MasterKeyError::Checksum),
                "{place}: {error}"
            );
        }
    }

    #[test]
    fn a_number_past_256_bits_is_refused_though_its_checksum_is_right() {
        let body = format!("{PREFIX}{}", "z".repeat(43));
        let error =
            MasterKey::parse(&format!("{body}{}", checksum_of(body.as_bytes()))).unwrap_err();
        assert!(matches!(error, MasterKeyError::Body));
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_key() {
        let key = MasterKey::known(0x11);
        assert_eq!(
            format!("{key:?}"),
            format!(
                "MasterKey {{ key: redacted, fingerprint: {} }}",
                key.fingerprint()
            )
        );
        let text = text_of(&key);
        let Err(error) = MasterKey::parse(&text[..40]) else {
            panic!("a cut key was read")
        };
        assert!(!error.to_string().contains(&text[6..12]));
    }
}
