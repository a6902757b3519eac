//! Length-prefixed parts: a list of byte strings as one byte string that no other list has.
//!
//! Each part is its length as four bytes, big endian, and then its bytes.

/// A list of parts under construction.
pub(super) struct Parts(Vec<u8>);

impl Parts {
    /// Starts with `label`, which names the use and its format version, so that no two uses share an encoding.
    pub(super) fn labelled(label: &str) -> Self {
        Self(Vec::with_capacity(128)).with(label.as_bytes())
    }

    /// Appends a part. Callers bound what they pass far below the 4 GiB that a length can say.
    pub(super) fn with(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(&length_prefix(part));
        self.0.extend_from_slice(part);
        self
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// The length of `part`, big endian. A part over 4 GiB saturates, which can't make two encodings equal in practice: no such
/// part fits any format here.
pub(super) fn length_prefix(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(parts: &[Vec<u8>]) -> Vec<u8> {
        parts
            .iter()
            .fold(Parts::labelled("test"), |list, part| list.with(part))
            .finish()
    }

    #[test]
    fn moving_a_byte_over_a_boundary_changes_the_encoding() {
        assert_ne!(
            encode(&[b"ab".to_vec(), b"c".to_vec()]),
            encode(&[b"a".to_vec(), b"bc".to_vec()])
        );
        assert_ne!(
            encode(&[b"ab".to_vec()]),
            encode(&[b"ab".to_vec(), Vec::new()])
        );
    }

    proptest! {
        #[test]
        fn different_lists_never_share_an_encoding(a: Vec<Vec<u8>>, b: Vec<Vec<u8>>) {
            prop_assert_eq!(a == b, encode(&a) == encode(&b));
        }
    }
}
