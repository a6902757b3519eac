//! A version as this replica knows it.

use std::sync::Arc;

use crate::domain::key::KeyVersion;
use crate::live::credential::{Credential, Fields};

/// A version, with its secret ready to send if it is current and opened.
#[derive(Debug, Clone)]
pub struct KnownVersion {
    /// As stored; every snapshot shares it.
    pub version: Arc<KeyVersion>,
    /// Its secret, opened; `None` if it is not current, or did not open.
    pub fields: Option<Arc<Fields>>,
    /// The same, ready to send.
    pub credential: Option<Credential>,
}

impl KnownVersion {
    /// Not ready to send yet.
    #[must_use]
    pub fn new(version: KeyVersion, fields: Option<Arc<Fields>>) -> Self {
        Self {
            version: Arc::new(version),
            fields,
            credential: None,
        }
    }
}
