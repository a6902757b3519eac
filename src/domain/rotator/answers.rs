//! What rotators answer.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The longest name that a provider may have for a secret.
const REFERENCE_BYTES_MAX: usize = 256;

/// A secret as a rotator answers it.
#[derive(Deserialize)]
pub struct Minted {
    /// One string.
    #[serde(default)]
    pub secret: String,
    /// Or several parts.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// What the provider calls it; empty where nothing can be revoked by it.
    #[serde(default)]
    pub reference: String,
}

/// A rotator's answer about what it was to have revoked.
#[derive(Deserialize)]
struct Revocation {
    /// Unless it says so, it is.
    revoked: Option<bool>,
}

/// Whether a rotator answers that a secret is none of its own, so that it has not had it revoked.
#[must_use]
pub fn is_left_alone(body: &[u8]) -> bool {
    let said = object::<Revocation>(body);
    said.is_some_and(|said| said.revoked == Some(false))
}

/// An object of these fields. A list of their values would be read as one, too, and means something else to whoever wrote it.
fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    body.trim_ascii_start()
        .starts_with(b"{")
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Minted(redacted)")
    }
}

impl Minted {
    /// Reads an answer. What is wrong with it is said without any of it.
    ///
    /// # Errors
    /// It is no JSON of that shape.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let minted: Self = object(body).ok_or(
            "the rotator's answer is no JSON object with a secret, or larger than 4096 bytes",
        )?;
        let reference = &minted.reference;
        if reference.len() > REFERENCE_BYTES_MAX || reference.chars().any(char::is_control) {
            return Err("the rotator's reference is longer than 256 bytes, or not printable");
        }
        Ok(minted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_says_so_has_revoked_nothing() {
        assert!(is_left_alone(br#"{"revoked": false}"#));
        assert!(is_left_alone(b" \n{\"revoked\": false}"));
        for body in [&b"{}"[..], b"", b"ok", br#"{"revoked": true}"#, b"[false]"] {
            assert!(!is_left_alone(body));
        }
    }

    #[test]
    fn an_answer_is_read_or_refused_without_being_told() {
        let minted = Minted::parse(br#"{"secret": "sk-1", "reference": "key_1", "more": 1}"#);
        assert_eq!(
            minted.map(|m| (m.secret, m.reference)).ok(),
            Some(("sk-1".into(), "key_1".into()))
        );
        for body in [
            &b"sk-1"[..],
            b"",
            br#"{"secret": 1}"#,
            br#"["sk-1"]"#,
            br#" ["sk-1", {}, "key_1"]"#,
            br#"{"secret":"s","reference":"a\nb"}"#,
        ] {
            let why = Minted::parse(body).err().unwrap();
            assert!(why.starts_with("the rotator's") && !why.contains("sk-1"));
        }
    }
}
