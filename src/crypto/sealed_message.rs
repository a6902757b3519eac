//! The byte format that a secret, its wrapped data key and the wrapped cluster key share.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | format version, 1 |
//! | 1..33 | key commitment |
//! | 33..45 | nonce, random |
//! | 45.. | AES-256-GCM ciphertext, as long as the plaintext, then its 16-byte tag |
//!
//! `HKDF-SHA256(ikm = key, salt = nonce, info = context)` gives 64 bytes: the AES key, then the commitment. The context is also
//! the message's AAD. It begins with a label that names use and version, so that one key may serve several uses. Since the
//! commitment is a hash of key and context, a ciphertext that opens in two ways would be a collision of SHA-256; GCM alone
//! gives no such promise.

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{errors::RandomError, key_bytes::KeyBytes, random};

const FORMAT_VERSION: u8 = 1;
const COMMITMENT_END: usize = 33;
const NONCE_END: usize = COMMITMENT_END + NONCE_BYTES;
const TAG_BYTES: usize = 16;

/// Length of a nonce.
pub(super) const NONCE_BYTES: usize = 12;
/// What a message is longer by than its plaintext.
pub(super) const OVERHEAD_BYTES: usize = NONCE_END + TAG_BYTES;

/// The message is not what was sealed under this key and context. It says no more on purpose.
#[derive(Debug)]
pub(super) struct DoesNotOpen;

/// Seals `plaintext` under a fresh nonce.
pub(super) fn seal(
    key: &KeyBytes,
    context: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, RandomError> {
    Ok(seal_with_nonce(key, context, &random::array()?, plaintext))
}

/// Seals under a nonce that the caller must never use again with this key. Outside tests only [`seal`] calls it.
#[expect(
    clippy::expect_used,
    reason = "AES-GCM refuses nothing shorter than 64 GiB, and callers allow at most 64 KiB"
)]
pub(super) fn seal_with_nonce(
    key: &KeyBytes,
    context: &[u8],
    nonce: &[u8; NONCE_BYTES],
    plaintext: &[u8],
) -> Vec<u8> {
    let (cipher, commitment) = derive(key, nonce, context);
    let mut message = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
    message.push(FORMAT_VERSION);
    message.extend_from_slice(&commitment);
    message.extend_from_slice(nonce);
    message.extend_from_slice(plaintext);
    let body = &mut message[NONCE_END..];
    let tag = cipher
        .encrypt_inout_detached(&Nonce::from(*nonce), context, body.into())
        .expect("AES-GCM takes any plaintext shorter than 64 GiB");
    message.extend_from_slice(&tag);
    message
}

/// Opens a message into a buffer of its own, which is wiped on drop.
pub(super) fn open(
    key: &KeyBytes,
    context: &[u8],
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let length = message
        .len()
        .checked_sub(OVERHEAD_BYTES)
        .ok_or(DoesNotOpen)?;
    let mut plaintext = Zeroizing::new(vec![0; length]);
    open_into(key, context, message, &mut plaintext)?;
    Ok(plaintext)
}

/// Opens a message that wraps a key. The key is decrypted in the place where it stays.
pub(super) fn open_key(
    key: &KeyBytes,
    context: &[u8],
    message: &[u8],
) -> Result<KeyBytes, DoesNotOpen> {
    let mut opened = KeyBytes::zeroed();
    open_into(key, context, message, opened.expose_mut())?;
    Ok(opened)
}

/// Opens a message whose plaintext is exactly as long as `plaintext`, which holds nothing of it unless this succeeds.
fn open_into(
    key: &KeyBytes,
    context: &[u8],
    message: &[u8],
    plaintext: &mut [u8],
) -> Result<(), DoesNotOpen> {
    if message.len() != plaintext.len() + OVERHEAD_BYTES || message[0] != FORMAT_VERSION {
        return Err(DoesNotOpen);
    }
    let nonce: [u8; NONCE_BYTES] = message[COMMITMENT_END..NONCE_END]
        .try_into()
        .map_err(|_| DoesNotOpen)?;
    let (cipher, commitment) = derive(key, &nonce, context);
    if !bool::from(commitment.ct_eq(&message[1..COMMITMENT_END])) {
        return Err(DoesNotOpen);
    }
    let (body, tag) = message[NONCE_END..].split_at(plaintext.len());
    let tag = Tag::try_from(tag).map_err(|_| DoesNotOpen)?;
    plaintext.copy_from_slice(body);
    cipher
        .decrypt_inout_detached(&Nonce::from(nonce), context, plaintext.into(), &tag)
        .map_err(|_| DoesNotOpen)
}

fn derive(key: &KeyBytes, nonce: &[u8; NONCE_BYTES], context: &[u8]) -> (Aes256Gcm, [u8; 32]) {
    let mut derived = Zeroizing::new([0; 64]);
    key.derive_into(nonce, &[context], &mut derived);
    let (cipher_key, tail) = derived.split_at(32);
    let mut commitment = [0; 32];
    commitment.copy_from_slice(tail);
    (cipher_of(cipher_key), commitment)
}

#[expect(clippy::expect_used, reason = "half of 64 bytes is 32")]
fn cipher_of(key: &[u8]) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(key).expect("an AES-256 key has 32 bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_message_has_known_bytes() {
        let message = seal_with_nonce(&KeyBytes::of(0x11), b"context", &[0x33; 12], b"sk-known");
        let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "01da3801292f1be43fa67f5e6b664995a7f598060ec5af1aecf15096a89a7bb76733333333333333333333333395f87072b3928ef65d0102ba2f8a0ce91a56893013fe8a0e"
        );
        assert_eq!(
            open(&KeyBytes::of(0x11), b"context", &message)
                .unwrap()
                .as_slice(),
            b"sk-known"
        );
    }

    #[test]
    fn a_bit_flipped_anywhere_closes_the_message() {
        let key = KeyBytes::of(1);
        let message = seal(&key, b"context", b"sk-1").unwrap();
        for bit in 0..message.len() * 8 {
            let mut forged = message.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, b"context", &forged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_message_of_any_other_length_does_not_open() {
        let key = KeyBytes::of(1);
        let message = seal(&key, b"context", b"sk-1").unwrap();
        for length in 0..message.len() {
            assert!(
                open(&key, b"context", &message[..length]).is_err(),
                "length {length}"
            );
        }
        assert!(open(&key, b"context", &[message.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn another_key_or_context_does_not_open_it() {
        let message = seal(&KeyBytes::of(1), b"context", b"sk-1").unwrap();
        assert!(open(&KeyBytes::of(2), b"context", &message).is_err());
        assert!(open(&KeyBytes::of(1), b"contexu", &message).is_err());
        assert!(open_key(&KeyBytes::of(1), b"context", &message).is_err());
    }

    #[test]
    fn a_commitment_borrowed_from_another_message_is_refused_though_the_tag_is_right() {
        let key = KeyBytes::of(1);
        let mut message = seal(&key, b"context", b"sk-1").unwrap();
        let other = seal(&key, b"context", b"sk-1").unwrap();
        message[1..COMMITMENT_END].copy_from_slice(&other[1..COMMITMENT_END]);
        assert!(open(&key, b"context", &message).is_err());
    }

    proptest! {
        #[test]
        fn every_plaintext_comes_back(plaintext: Vec<u8>, context: Vec<u8>) {
            let message = seal(&KeyBytes::of(1), &context, &plaintext).unwrap();
            prop_assert_eq!(message.len(), plaintext.len() + OVERHEAD_BYTES);
            prop_assert_eq!(&*open(&KeyBytes::of(1), &context, &message).unwrap(), &plaintext);
        }
    }
}
