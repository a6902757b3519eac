//! Base62 of fixed width: text that a double click selects whole and that needs no escaping anywhere.
//!
//! Digits are `0-9A-Za-z`, most significant first, padded with `0` on the left.

use zeroize::Zeroizing;

use super::key_bytes::{KEY_BYTES, KeyBytes};

/// Characters of a 256-bit number: 62^43 is just over 2^256.
pub(super) const KEY_CHARS: usize = 43;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The key as text, appended to `out`.
pub(super) fn push_key(key: &KeyBytes, out: &mut Vec<u8>) {
    let mut number = Zeroizing::new(*key.expose());
    let start = out.len();
    out.resize(start + KEY_CHARS, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = DIGITS[divide_by_62(&mut number)];
    }
}

/// The key that `text` spells, or none if it is not 43 digits of a number below 2^256.
pub(super) fn parse_key(text: &[u8]) -> Option<KeyBytes> {
    if text.len() != KEY_CHARS {
        return None;
    }
    let mut key = KeyBytes::zeroed();
    for &character in text {
        multiply_by_62_and_add(key.expose_mut(), value_of(character)?)?;
    }
    Some(key)
}

/// The lowest `N` digits of `number`.
pub(super) fn digits<const N: usize>(mut number: u128) -> [u8; N] {
    let mut text = [b'0'; N];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    text
}

fn divide_by_62(number: &mut [u8; KEY_BYTES]) -> usize {
    let mut remainder = 0;
    for byte in number.iter_mut() {
        let value = remainder << 8 | usize::from(*byte);
        *byte = (value / 62) as u8;
        remainder = value % 62;
    }
    remainder
}

fn multiply_by_62_and_add(number: &mut [u8; KEY_BYTES], digit: u32) -> Option<()> {
    let mut carry = digit;
    for byte in number.iter_mut().rev() {
        let value = u32::from(*byte) * 62 + carry;
        *byte = value as u8;
        carry = value >> 8;
    }
    (carry == 0).then_some(())
}

fn value_of(character: u8) -> Option<u32> {
    match character {
        b'0'..=b'9' => Some(u32::from(character - b'0')),
        b'A'..=b'Z' => Some(u32::from(character - b'A') + 10),
        b'a'..=b'z' => Some(u32::from(character - b'a') + 36),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(bytes: [u8; KEY_BYTES]) -> Vec<u8> {
        let mut key = KeyBytes::zeroed();
        *key.expose_mut() = bytes;
        let mut text = Vec::new();
        push_key(&key, &mut text);
        text
    }

    #[test]
    fn the_ends_of_the_range_have_known_text() {
        assert_eq!(text_of([0; 32]), b"0".repeat(43));
        assert_eq!(
            text_of([255; 32]),
            b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"
        );
    }

    #[test]
    fn a_number_past_256_bits_is_refused() {
        assert!(parse_key(&b"z".repeat(43)).is_none());
        assert!(parse_key(&b"0".repeat(42)).is_none());
        assert!(parse_key(&b"0".repeat(44)).is_none());
        assert!(parse_key(&[b"-".as_slice(), &b"0".repeat(42)].concat()).is_none());
    }

    #[test]
    fn digits_are_padded_on_the_left() {
        assert_eq!(&digits::<6>(u128::from(u32::MAX)), b"4gfFC3");
        assert_eq!(&digits::<3>(61), b"00z");
    }

    proptest! {
        #[test]
        fn every_key_reads_back(bytes: [u8; KEY_BYTES]) {
            let text = text_of(bytes);
            prop_assert_eq!(text.len(), KEY_CHARS);
            let key = parse_key(&text).unwrap();
            prop_assert_eq!(key.expose(), &bytes);
        }
    }
}
