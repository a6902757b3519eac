//! The keys that the vault works with, all derived from the cluster key.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::crypto::{ClusterKey, FingerprintKey, KeyRing, MacKey, Pepper, RequestKey};

/// The ring of master keys, the cluster key, and what is derived from it.
#[derive(Debug)]
pub struct VaultKeys {
    ring: ArcSwap<KeyRing>,
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
            ring: ArcSwap::from_pointee(ring),
            cluster,
        }
    }

    /// The master keys that are held at this moment.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// Other master keys are held from now on.
    pub(super) fn hold(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }
}
