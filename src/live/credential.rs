//! A credential ready to send: the opened secret of a version, and where its provider expects it. Each secret is in memory once.

use std::fmt;
use std::sync::Arc;

use crate::crypto::Secret;
use crate::domain::account::Account;
use crate::domain::profile::PlacementKind;

/// The field of the ordinary kind of secret: one string.
pub const VALUE_FIELD: &str = "value";

/// A credential ready to send. Cheap to clone.
#[derive(Clone)]
pub struct Credential {
    /// Where it goes.
    pub placing: Arc<Placing>,
    /// The secret's own fields, by name.
    pub fields: Arc<Fields>,
}

/// The opened fields of a secret, by name.
pub type Fields = Vec<(String, Secret)>;

/// How secrets of one account are sent: its keys share it.
#[derive(Debug)]
pub struct Placing {
    /// Where to send the request.
    pub base_url: String,
    /// What carries the secret.
    pub kind: PlacementKind,
    /// Of the header or query parameter.
    pub name: String,
    /// What stands before the secret.
    pub prefix: String,
    /// A header that every request needs besides.
    pub fixed_header: Option<(&'static str, &'static str)>,
}

impl Placing {
    /// As the account says, or else as its provider has it.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let (kind, name, prefix) = match &account.placement {
            Some(placement) => (placement.kind, &*placement.name, &*placement.prefix),
            None => {
                let (name, prefix) = account.profile.header();
                (PlacementKind::Header, name, prefix)
            }
        };
        Self {
            base_url: account.endpoint.base_url.clone(),
            kind,
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            fixed_header: account.profile.fixed_header(),
        }
    }
}

impl Credential {
    /// The secret that goes where the placing says, if it is one string.
    #[must_use]
    pub fn value(&self) -> Option<&Secret> {
        let value = self.fields.iter().find(|(name, _)| name == VALUE_FIELD);
        value.map(|(_, secret)| secret)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, redacted)", self.placing.base_url)
    }
}
