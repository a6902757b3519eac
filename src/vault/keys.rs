//! The keys that the vault works with, all derived from the cluster key.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::crypto::{ClusterKey, Fingerprint, FingerprintKey, KeyRing, MacKey, Pepper, RequestKey};

/// The ring of master keys, the cluster key, and what is derived from it.
#[derive(Debug)]
pub struct VaultKeys {
    ring: ArcSwap<KeyRing>,
    /// The newest promotion that this process has seen committed, by its number.
    promotion: Mutex<Option<(i64, Fingerprint)>>,
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
            promotion: Mutex::default(),
            cluster,
        }
    }

    /// The master keys that are held at this moment.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// The newest promotion that was seen committed, by its number.
    pub(super) fn promotion(&self) -> Option<(i64, Fingerprint)> {
        *self.promotion.lock()
    }

    /// A promotion is committed.
    pub(super) fn saw_promotion(&self, number: i64, fingerprint: Fingerprint) {
        let mut newest = self.promotion.lock();
        if newest.is_none_or(|(seen, _)| seen < number) {
            *newest = Some((number, fingerprint));
        }
    }

    /// Other master keys are held from now on.
    pub(super) fn hold(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }
}
