//! Rotators: who is asked for the new secrets of an account's keys, what is sent, and what the answer says.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::name::KeyName;
use super::time::Timestamp;

/// The version of the body that a rotator gets: it only gains fields.
const FORMAT: u32 = 1;
/// The longest name that a provider may have for a secret.
const REFERENCE_BYTES_MAX: usize = 256;

/// The rotator of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotator {
    /// Whose keys it makes secrets for.
    pub account_uid: Uuid,
    /// The revision of its last change.
    pub rev: i64,
    /// Where it is asked.
    pub url: String,
    /// Plain http was allowed by name.
    pub allow_http: bool,
    /// How long a previous version is kept at least; none for the default.
    pub grace: Option<Duration>,
    /// Of its signing secret: drawn at random for each; releases before counted from 1.
    pub generation: u32,
    /// When it was set first.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// What the provider calls the secret of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The version.
    pub version_uid: Uuid,
    /// As the rotator answered it.
    pub reference: String,
}

/// A version as a rotator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its number; 0 for none.
    pub number: u32,
    /// What the provider calls it, where a rotator said so.
    pub reference: String,
}

/// What a rotator is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A new secret, beside the one of this version.
    Create {
        /// The version to be replaced.
        previous: Known,
    },
    /// That the provider forgets the secret of this version.
    Revoke(Known),
}

/// A request to a rotator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The rotation: one that is asked for twice has one secret.
    pub rotation: Uuid,
    /// The key.
    pub key: KeyName,
    /// The provider profile of its account.
    pub profile: &'static str,
    /// The version that the rotation brings.
    pub number: u32,
    /// Grows with each time that the rotation's rotator is asked: a request that was long on its way is known by it.
    pub attempt: i64,
    /// What for.
    pub wanted: Wanted,
}

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

/// The generation of a new signing secret, out of a random uid: none is ever the next of another, so that a secret that was replaced does
/// not come back where the rotator is deleted and set anew.
#[must_use]
pub const fn generation_of(random: Uuid) -> u32 {
    let [a, b, c, d, ..] = *random.as_bytes();
    // As much as the column holds, and never none.
    (u32::from_be_bytes([a, b, c, d]) >> 1) | 1 << 30
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
    let said = serde_json::from_slice::<Revocation>(body);
    said.is_ok_and(|said| said.revoked == Some(false))
}

impl Asking {
    /// What the receiver knows a repetition by.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.rotation, self.action(), self.number)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let known = |known: &Known| json!({"version": known.number, "reference": known.reference});
        let (name, about) = match &self.wanted {
            Wanted::Create { previous } => ("previous", known(previous)),
            Wanted::Revoke(version) => ("revoke", known(version)),
        };
        let mut body = json!({
            "format": FORMAT,
            "action": self.action(),
            "rotation": self.rotation,
            "account": format!("accounts/{}", self.key.account),
            "key": self.key.to_string(),
            "profile": self.profile,
            "version": self.number,
            "attempt": self.attempt,
        });
        body[name] = about;
        body.to_string().into_bytes()
    }

    /// In a word.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self.wanted {
            Wanted::Create { .. } => "create",
            Wanted::Revoke(_) => "revoke",
        }
    }
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
        let minted: Self = serde_json::from_slice(body).map_err(
            |_| "the rotator's answer is no JSON with a secret, or larger than 4096 bytes",
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
    use crate::domain::id::Id;

    fn asking(wanted: Wanted) -> Asking {
        Asking {
            rotation: Uuid::from_u128(7),
            key: KeyName {
                account: Id::parse("a", "openai").unwrap(),
                key: Id::parse("k", "main").unwrap(),
            },
            profile: "openai",
            number: 3,
            attempt: 5,
            wanted,
        }
    }

    fn known(number: u32, reference: &str) -> Known {
        Known {
            number,
            reference: reference.to_owned(),
        }
    }

    #[test]
    fn a_request_says_what_is_wanted_and_of_which_version() {
        let previous = known(2, "key_2");
        let asked = asking(Wanted::Create { previous });
        let body: serde_json::Value = serde_json::from_slice(&asked.body()).unwrap();
        assert_eq!(body["action"], "create");
        assert_eq!(body["key"], "accounts/openai/keys/main");
        assert_eq!(body["previous"]["reference"], "key_2");
        assert_eq!(body["attempt"], 5);
        let revoked = asking(Wanted::Revoke(known(2, "")));
        let body: serde_json::Value = serde_json::from_slice(&revoked.body()).unwrap();
        assert_eq!(body["revoke"]["version"], 2);
        assert_ne!(asked.id(), revoked.id());
    }

    #[test]
    fn a_generation_is_drawn_and_fits_its_column() {
        for random in [Uuid::nil(), Uuid::max(), Uuid::from_u128(7 << 96)] {
            assert!((1 << 30..1 << 31).contains(&generation_of(random)));
        }
        let drawn = [1_u128, 2, 3].map(|one| generation_of(Uuid::from_u128(one << 97)));
        assert_eq!(drawn, [1, 2, 3].map(|low| (1 << 30) + low));
    }

    #[test]
    fn only_who_says_so_has_revoked_nothing() {
        assert!(is_left_alone(br#"{"revoked": false}"#));
        for body in [&b"{}"[..], b"", b"ok", br#"{"revoked": true}"#] {
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
            br#"{"secret":"s","reference":"a\nb"}"#,
        ] {
            let why = Minted::parse(body).err().unwrap();
            assert!(why.starts_with("the rotator's") && !why.contains("sk-1"));
        }
    }
}
