//! A version as this replica knows it.

use std::sync::Arc;

use crate::crypto::Fingerprint;
use crate::domain::key::KeyVersion;
use crate::live::credential::{Credential, Fields};

/// A version, with its secret ready to send if it is current and opened.
#[derive(Debug, Clone)]
pub struct KnownVersion {
    /// As stored; every snapshot shares it.
    pub version: Arc<KeyVersion>,
    /// Its secret, opened; `None` if it is not current, or did not open.
    pub fields: Option<Arc<Fields>>,
    /// The master key that its secret needs and this replica lacks.
    pub missing_key: Option<Fingerprint>,
    /// Its secret, ready to send.
    pub credential: Option<Credential>,
}

impl KnownVersion {
    /// Not ready to send yet: its secret, opened, or the master key that it needs and this replica lacks, if that is why it is not.
    #[must_use]
    pub fn new(version: KeyVersion, opened: Result<Fields, Option<Fingerprint>>) -> Self {
        let missing_key = opened.as_ref().err().copied().flatten();
        Self {
            version: Arc::new(version),
            fields: opened.ok().map(Arc::new),
            missing_key,
            credential: None,
        }
    }
}
