//! Caller tokens: found by their id, proven by a MAC, in about a microsecond.
//!
//! A token is 67 characters: `kl_`, an id of 14 base62 characters, `_`, 43 base62 characters of 32 random bytes, and the CRC-32
//! (IEEE) of those 61 characters as six base62 characters. What is stored is the id and HMAC-SHA256(pepper, characters 3 to
//! 61: id, `_`, secret). A fast hash will do, since 256 random bits can't be guessed; argon2 would cost 18 ms a call.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    base62,
    errors::{RandomError, TokenError},
    key_bytes::KeyBytes,
    keyed_hash::KeyedHash,
    random,
    secret::Secret,
};

const PREFIX: &[u8] = b"kl_";
const ID_CHARS: usize = 14;
const ID_END: usize = PREFIX.len() + ID_CHARS;
const SECRET_END: usize = ID_END + 1 + base62::KEY_CHARS;
const CHECKSUM_CHARS: usize = 6;

/// Length of a token.
pub(super) const TOKEN_CHARS: usize = SECRET_END + CHECKSUM_CHARS;

/// Makes and reads tokens.
#[derive(Debug)]
pub struct CallerToken;

/// A new token. The token itself is shown once; the store keeps the id and the hash.
#[derive(Debug)]
pub struct Minted {
    /// What the row is found by; not secret.
    pub id: String,
    /// The whole token, for its owner alone.
    pub token: Secret,
    /// What the row is checked against.
    pub hash: [u8; 32],
}

/// A token that was presented and has the right shape. Nothing is proven yet.
#[derive(Clone, Copy)]
pub struct PresentedToken<'a> {
    /// What the row is found by.
    pub id: &'a str,
    /// Id and secret, as the MAC takes them.
    hashed: &'a [u8],
}

/// The key of token hashes: without it a stolen table proves nothing and can't be added to.
#[derive(Debug)]
pub struct Pepper(KeyedHash);

impl CallerToken {
    /// A fresh token.
    ///
    /// # Errors
    /// No randomness.
    pub fn mint(pepper: &Pepper) -> Result<Minted, RandomError> {
        // 128 bits modulo 62^14 (83 bits): the bias is below 2^-44, and an id is no secret.
        let id = base62::digits(u128::from_be_bytes(random::array()?));
        Ok(Self::assemble(pepper, &id, &KeyBytes::random()?))
    }

    /// Reads what a caller presents: length, shape and checksum. Nothing is allocated.
    ///
    /// # Errors
    /// It can't be a token; there is no need to look it up.
    pub fn parse(presented: &[u8]) -> Result<PresentedToken<'_>, TokenError> {
        if presented.len() != TOKEN_CHARS
            || !presented.starts_with(PREFIX)
            || presented[ID_END] != b'_'
        {
            return Err(TokenError::Malformed);
        }
        let (checked, checksum) = presented.split_at(SECRET_END);
        if checksum_of(checked) != checksum {
            return Err(TokenError::Checksum);
        }
        let id = &checked[PREFIX.len()..ID_END];
        let alphanumeric = |text: &[u8]| text.iter().all(u8::is_ascii_alphanumeric);
        if !alphanumeric(id) || !alphanumeric(&checked[ID_END + 1..]) {
            return Err(TokenError::Malformed);
        }
        let id = std::str::from_utf8(id).map_err(|_| TokenError::Malformed)?;
        Ok(PresentedToken {
            id,
            hashed: &checked[PREFIX.len()..],
        })
    }

    fn assemble(pepper: &Pepper, id: &[u8; ID_CHARS], key: &KeyBytes) -> Minted {
        let mut text = Zeroizing::new(Vec::with_capacity(TOKEN_CHARS));
        text.extend_from_slice(PREFIX);
        text.extend_from_slice(id);
        text.push(b'_');
        base62::push_key(key, &mut text);
        let hash = pepper.0.mac(&text[PREFIX.len()..]);
        let checksum = checksum_of(&text);
        text.extend_from_slice(&checksum);
        let token = Secret::new(std::mem::take(&mut *text));
        Minted {
            id: String::from_utf8_lossy(id).into_owned(),
            token,
            hash,
        }
    }
}

impl Pepper {
    pub(super) fn new(key: &KeyBytes) -> Self {
        Self(KeyedHash::new(key))
    }

    /// The hash that a row of this token holds.
    pub fn hash(&self, presented: &PresentedToken<'_>) -> [u8; 32] {
        self.0.mac(presented.hashed)
    }

    /// Whether the row's hash is this token's, in constant time.
    pub fn verify(&self, presented: &PresentedToken<'_>, hash: &[u8]) -> bool {
        self.0.verify(presented.hashed, hash)
    }
}

impl fmt::Debug for PresentedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Against typing mistakes, not against forgers.
fn checksum_of(text: &[u8]) -> [u8; CHECKSUM_CHARS] {
    base62::digits(crc32fast::hash(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepper() -> Pepper {
        Pepper::new(&KeyBytes::of(1))
    }

    #[test]
    fn a_minted_token_is_proven_by_its_row() {
        let minted = CallerToken::mint(&pepper()).unwrap();
        let presented = CallerToken::parse(minted.token.expose()).unwrap();
        assert_eq!(presented.id, minted.id);
        assert_eq!(pepper().hash(&presented), minted.hash);
        assert!(pepper().verify(&presented, &minted.hash));
        assert!(!Pepper::new(&KeyBytes::of(2)).verify(&presented, &minted.hash));
        assert!(!pepper().verify(&presented, &minted.hash[..31]));
        assert!(!pepper().verify(&presented, &[]));
    }

    #[test]
    fn the_right_id_with_another_secret_is_not_proven() {
        let minted = CallerToken::assemble(&pepper(), b"AAAAAAAAAAAAAA", &KeyBytes::of(1));
        let guessed = CallerToken::assemble(&pepper(), b"AAAAAAAAAAAAAA", &KeyBytes::of(2));
        let presented = CallerToken::parse(guessed.token.expose()).unwrap();
        assert_eq!(presented.id, minted.id);
        assert!(!pepper().verify(&presented, &minted.hash));
    }

    #[test]
    fn a_hash_moved_to_another_id_is_not_proven() {
        let minted = CallerToken::assemble(&pepper(), b"AAAAAAAAAAAAAA", &KeyBytes::of(1));
        let moved = CallerToken::assemble(&pepper(), b"AAAAAAAAAAAAAB", &KeyBytes::of(1));
        assert!(!pepper().verify(
            &CallerToken::parse(moved.token.expose()).unwrap(),
            &minted.hash
        ));
    }

    #[test]
    fn a_token_off_by_one_character_or_cut_anywhere_is_not_a_token() {
        let token = CallerToken::mint(&pepper()).unwrap().token;
        for place in 0..token.len() {
            let mut mistyped = token.expose().to_vec();
            mistyped[place] = if mistyped[place] == b'0' { b'1' } else { b'0' };
            assert!(CallerToken::parse(&mistyped).is_err(), "place {place}");
            assert!(
                CallerToken::parse(&token.expose()[..place]).is_err(),
                "length {place}"
            );
        }
        assert_eq!(
            CallerToken::parse(&b"kl_".repeat(1_000_000)).unwrap_err(),
            TokenError::Malformed
        );
    }

    #[test]
    fn a_right_checksum_does_not_excuse_characters_outside_base62() {
        for place in [PREFIX.len(), ID_END + 1, SECRET_END - 1] {
            let mut text =
                CallerToken::mint(&pepper()).unwrap().token.expose()[..SECRET_END].to_vec();
            text[place] = 0xff;
            let checksum = checksum_of(&text);
            text.extend_from_slice(&checksum);
            assert_eq!(
                CallerToken::parse(&text).unwrap_err(),
                TokenError::Malformed
            );
        }
    }

    #[test]
    fn a_known_token_has_known_text_and_hash() {
        let minted = CallerToken::assemble(&pepper(), b"0Az0Az0Az0Az0A", &KeyBytes::of(0x55));
        assert_eq!(
            minted.token.expose(),
            b"kl_0Az0Az0Az0Az0A_KEZxaJXihSr0O70WG5qBqG2mRkhlFGdOigF1x8JNVwL2Bxjj2"
        );
        assert_eq!(
            minted.hash.map(|byte| format!("{byte:02x}")).concat(),
            "e05a33273a1d1f921f8977533438845e9711e2c68d60dcd6a092dda464af4be5"
        );
    }

    #[test]
    fn debug_shows_the_id_and_no_secret() {
        let minted = CallerToken::assemble(&pepper(), b"AAAAAAAAAAAAAA", &KeyBytes::of(0x55));
        let shown = format!(
            "{:?} {minted:?}",
            CallerToken::parse(minted.token.expose()).unwrap()
        );
        assert!(shown.contains("AAAAAAAAAAAAAA"));
        let secret = std::str::from_utf8(&minted.token.expose()[ID_END + 1..]).unwrap();
        assert!(!shown.contains(&secret[..8]));
    }
}
