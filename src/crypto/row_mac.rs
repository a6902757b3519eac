//! MACs of rows: a database writer can't make itself an admin, point its token at one, or put a key into its pool.
//!
//! HMAC-SHA256 over: format version 1 (one byte); table name; number of fields (four bytes, big endian); the fields. A table
//! name and a field of bytes stand after their length (four bytes, big endian). A field starts with its kind: 0 null, 1 bytes,
//! 2 integer (eight bytes, big endian, two's complement).

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{encoding::length_prefix, key_bytes::KeyBytes, keyed_hash::KeyedHash};

const FORMAT_VERSION: u8 = 1;

/// One column as the MAC sees it. Null differs from empty, and a number from its bytes.
#[derive(Debug, Clone, Copy)]
pub enum MacField<'a> {
    /// No value.
    Null,
    /// Bytes, text or a uid.
    Bytes(&'a [u8]),
    /// A number, a flag, or a time in whole units.
    Integer(i64),
}

/// The key of row MACs.
#[derive(Debug)]
pub struct MacKey(KeyedHash);

impl MacKey {
    pub(super) fn new(key: &KeyBytes) -> Self {
        Self(KeyedHash::new(key))
    }

    /// The MAC of a row. Pass what identifies the row too, or two rows may trade places.
    pub fn mac(&self, table: &str, fields: &[MacField<'_>]) -> [u8; 32] {
        let count = u32::try_from(fields.len()).unwrap_or(u32::MAX);
        let head = self.0.begin().chain_update([FORMAT_VERSION]);
        let head = head
            .chain_update(length_prefix(table.as_bytes()))
            .chain_update(table)
            .chain_update(count.to_be_bytes());
        fields
            .iter()
            .fold(head, |fed, field| field.feed(fed))
            .finalize()
            .into_bytes()
            .into()
    }

    /// Whether `mac` belongs to the row, in constant time.
    pub fn verify(&self, table: &str, fields: &[MacField<'_>], mac: &[u8]) -> bool {
        self.mac(table, fields).ct_eq(mac).into()
    }
}

/// What stands for a set of rows: the SHA-256 of their MACs in the order of their bytes, one after the other.
#[must_use]
pub fn macs_digest(mut macs: Vec<&[u8]>) -> [u8; 32] {
    macs.sort_unstable();
    let fed = macs
        .iter()
        .fold(Sha256::new(), |fed, mac| fed.chain_update(mac));
    fed.finalize().into()
}

impl MacField<'_> {
    fn feed(&self, mac: Hmac<Sha256>) -> Hmac<Sha256> {
        match self {
            Self::Null => mac.chain_update([0]),
            Self::Bytes(bytes) => mac
                .chain_update([1])
                .chain_update(length_prefix(bytes))
                .chain_update(bytes),
            Self::Integer(number) => mac.chain_update([2]).chain_update(number.to_be_bytes()),
        }
    }
}

impl<'a> From<&'a [u8]> for MacField<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for MacField<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for MacField<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a Uuid> for MacField<'a> {
    fn from(uid: &'a Uuid) -> Self {
        Self::Bytes(uid.as_bytes())
    }
}

impl From<i64> for MacField<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for MacField<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}

impl<'a, T: Into<MacField<'a>>> From<Option<T>> for MacField<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MacKey {
        MacKey::new(&KeyBytes::of(1))
    }

    #[test]
    fn a_row_verifies_until_a_field_a_table_or_the_mac_is_edited() {
        let row = ["alice".into(), MacField::from(true), MacField::Null];
        let mac = key().mac("callers", &row);
        assert!(key().verify("callers", &row, &mac));
        assert!(!key().verify("grants", &row, &mac));
        assert!(!key().verify(
            "callers",
            &["alicf".into(), true.into(), MacField::Null],
            &mac
        ));
        assert!(!key().verify(
            "callers",
            &["alice".into(), false.into(), MacField::Null],
            &mac
        ));
        assert!(!MacKey::new(&KeyBytes::of(2)).verify("callers", &row, &mac));
        for bit in 0..256 {
            let mut forged = mac;
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!key().verify("callers", &row, &forged));
        }
        for length in 0..mac.len() {
            assert!(!key().verify("callers", &row, &mac[..length]));
        }
    }

    #[test]
    fn no_two_rows_share_an_encoding() {
        let rows: [(&str, &[MacField<'_>]); 12] = [
            ("t", &[]),
            ("t", &[MacField::Null]),
            ("t", &[MacField::Bytes(b"")]),
            ("t", &[MacField::Bytes(b""), MacField::Null]),
            ("t", &[MacField::Null, MacField::Bytes(b"")]),
            ("t", &[MacField::Bytes(b"ab"), MacField::Bytes(b"c")]),
            ("t", &[MacField::Bytes(b"a"), MacField::Bytes(b"bc")]),
            ("t", &[MacField::Bytes(b"abc")]),
            ("t", &[MacField::Integer(0)]),
            ("t", &[MacField::Bytes(&[0; 8])]),
            ("t", &[MacField::Integer(-1)]),
            ("ta", &[]),
        ];
        let macs: std::collections::HashSet<_> = rows
            .iter()
            .map(|(table, fields)| key().mac(table, fields))
            .collect();
        assert_eq!(macs.len(), rows.len());
    }

    #[test]
    fn optional_values_are_fields() {
        let uid = Uuid::from_u128(7);
        assert_eq!(
            key().mac("t", &[Some(&uid).into()]),
            key().mac("t", &[uid.as_bytes().into()])
        );
        assert_eq!(
            key().mac("t", &[None::<i64>.into()]),
            key().mac("t", &[MacField::Null])
        );
        assert_ne!(
            key().mac("t", &[None::<&str>.into()]),
            key().mac("t", &[Some("").into()])
        );
    }
}
