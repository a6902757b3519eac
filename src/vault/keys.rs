//! The keys that the vault works with, all derived from the cluster key.

use crate::crypto::{ClusterKey, FingerprintKey, KeyRing, MacKey, Pepper, RequestKey};

/// The ring of master keys, the cluster key, and what is derived from it.
#[derive(Debug)]
pub struct VaultKeys {
    /// The master keys.
    pub ring: KeyRing,
    /// The cluster key.
    pub cluster: ClusterKey,
    /// For the MACs of rows.
    pub mac: MacKey,
    /// For the chains of the audit.
    pub audit: MacKey,
    /// For the hashes of caller tokens.
    pub pepper: Pepper,
    /// For finding a secret that is stored already.
    pub fingerprint: FingerprintKey,
    /// For recognising repeated requests and our own page tokens.
    pub request: RequestKey,
}

impl VaultKeys {
    /// Derives all keys of a cluster.
    #[must_use]
    pub fn new(ring: KeyRing, cluster: ClusterKey) -> Self {
        Self {
            mac: cluster.mac_key(),
            audit: cluster.audit_key(),
            pepper: cluster.token_pepper(),
            fingerprint: cluster.fingerprint_key(),
            request: cluster.request_key(),
            ring,
            cluster,
        }
    }
}
