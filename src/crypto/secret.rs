//! Bytes that must not leak: wiped when dropped, silent when printed.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret in memory. It has no `Display`, no serialisation, no `==` and no `Clone`: share it in an `Arc`, so that there is one
/// copy to wipe. A `Vec` and not a boxed slice, since shrinking one into the other may move it and leave the old copy unwiped.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; they are not copied.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes the text over; it is not copied.
    pub fn from_string(text: String) -> Self {
        Self::new(text.into_bytes())
    }

    /// The bytes. Call it on one line per path: where the secret leaves, or is used.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both hold the same bytes, in time that depends on the lengths alone.
    pub fn matches(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_bytes_nor_length() {
        let secret = Secret::from_string("sk-canary-1234".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        assert_eq!(format!("{secret:#?}"), "Secret(redacted)");
    }

    #[test]
    fn equal_bytes_match_and_others_do_not() {
        let secret = Secret::new(b"sk-1".to_vec());
        assert!(secret.matches(&Secret::from_string("sk-1".to_owned())));
        assert!(!secret.matches(&Secret::new(b"sk-2".to_vec())));
        assert!(!secret.matches(&Secret::new(b"sk-".to_vec())));
        assert!(!secret.matches(&Secret::new(Vec::new())));
    }

    #[test]
    fn a_string_is_taken_over_without_a_copy() {
        let mut text = String::with_capacity(100);
        text.push_str("sk-1");
        let address = text.as_ptr();
        assert_eq!(Secret::from_string(text).expose().as_ptr(), address);
    }
}
