//! Rotators: who is asked for the new secrets of an account's keys, what is sent, and what the answer says.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::name::KeyName;
use super::time::Timestamp;

mod answers;

pub use answers::{Minted, is_left_alone};

/// The version of the body that a rotator gets: it only gains fields.
const FORMAT: u32 = 1;
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

/// The generation of a new signing secret, out of a random uid: none is ever the next of another, so that a secret that was replaced does
/// not come back where the rotator is deleted and set anew.
#[must_use]
pub const fn generation_of(random: Uuid) -> u32 {
    let [a, b, c, d, ..] = *random.as_bytes();
    // As much as the column holds, and never none.
    (u32::from_be_bytes([a, b, c, d]) >> 1) | 1 << 30
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
}
