//! A credential ready to send: the opened secret of a version, put where its provider expects it.

use std::fmt;
use std::sync::Arc;

use crate::crypto::Secret;
use crate::domain::account::Account;
use crate::domain::profile::PlacementKind;

/// The field of the ordinary kind of secret: one string.
pub const VALUE_FIELD: &str = "value";

/// A credential ready to send.
pub struct Credential {
    /// Where to send the request.
    pub base_url: String,
    /// Headers to add.
    pub headers: Vec<(String, Secret)>,
    /// Query parameters to add.
    pub query: Vec<(String, Secret)>,
    /// The secret's own fields, by name.
    pub fields: Arc<Fields>,
}

/// The opened fields of a secret, by name.
pub type Fields = Vec<(String, Secret)>;

impl Credential {
    /// Puts the fields of a secret where the account's provider expects them.
    #[must_use]
    pub fn new(account: &Account, fields: Arc<Fields>) -> Self {
        let (mut headers, mut query) = (Vec::new(), Vec::new());
        let value = fields.iter().find(|(name, _)| name == VALUE_FIELD);
        if let Some((_, value)) = value {
            let (kind, name, prefix) = place(account);
            let text = [prefix.as_bytes(), value.expose()].concat();
            let placed = (name.to_owned(), Secret::new(text));
            match kind {
                PlacementKind::Header => headers.push(placed),
                PlacementKind::Query => query.push(placed),
            }
        }
        if let Some((name, value)) = account.profile.fixed_header() {
            headers.push((name.to_owned(), Secret::from_string(value.to_owned())));
        }
        Self {
            base_url: account.endpoint.base_url.clone(),
            headers,
            query,
            fields,
        }
    }
}

fn place(account: &Account) -> (PlacementKind, &str, &str) {
    match &account.placement {
        Some(placement) => (placement.kind, &placement.name, &placement.prefix),
        None => {
            let (name, prefix) = account.profile.header();
            (PlacementKind::Header, name, prefix)
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, redacted)", self.base_url)
    }
}
