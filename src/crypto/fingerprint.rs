//! How a row names the master key that wrapped it: `mk_` and sixteen hex digits that say nothing about the key.

use std::{fmt, str::FromStr};

use super::{key_bytes::KeyBytes, keyed_hash::KeyedHash};

/// The first 8 bytes, big endian, of HMAC-SHA256(master key, "keylease/master-key-fingerprint/v1"). Not authentication: what a
/// fingerprint names is checked by the commitment in everything the key has sealed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

/// Text that is not a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key fingerprint is mk_ and sixteen lower-case hex digits")]
pub struct FingerprintError;

impl Fingerprint {
    pub(super) fn of(key: &KeyBytes) -> Self {
        let mac = KeyedHash::new(key).mac(b"keylease/master-key-fingerprint/v1");
        Self(
            mac[..8]
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mk_{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("mk_").ok_or(FingerprintError)?;
        let plain = digits.len() == 16
            && digits
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if !plain {
            return Err(FingerprintError);
        }
        u64::from_str_radix(digits, 16)
            .map(Self)
            .map_err(|_| FingerprintError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_of_a_known_key_is_known() {
        assert_eq!(
            Fingerprint::of(&KeyBytes::of(0x11)).to_string(),
            "mk_005879815b6099ac"
        );
    }

    #[test]
    fn a_fingerprint_reads_back_from_its_text() {
        let fingerprint = Fingerprint::of(&KeyBytes::of(3));
        assert_eq!(
            fingerprint.to_string().parse::<Fingerprint>().unwrap(),
            fingerprint
        );
    }

    #[test]
    fn only_the_exact_text_is_a_fingerprint() {
        for text in [
            "",
            "mk_",
            "mk_3f9a1c2b7d5e8a0",
            "mk_3F9A1C2B7D5E8A04",
            "mk_+f9a1c2b7d5e8a04",
            "3f9a1c2b7d5e8a04",
            "mk_3f9a1c2b7d5e8a041",
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
