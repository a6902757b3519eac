//! Lease ids and retry tokens: sealed by this replica, opened by every one.

use uuid::Uuid;

use crate::crypto::{BootId, ClusterKey, IdOpener, IdSealers, Opened, Purpose, SealedIdError};

/// Seals for this boot, opens for all.
#[derive(Debug)]
pub struct Ids {
    boot_id: Uuid,
    sealers: IdSealers,
    leases: IdOpener,
    retries: IdOpener,
}

impl Ids {
    /// Derives the keys of this boot.
    #[must_use]
    pub fn new(cluster: &ClusterKey, boot: BootId) -> Self {
        Self {
            boot_id: boot.uuid(),
            sealers: cluster.id_sealers(boot),
            leases: cluster.id_opener(Purpose::Lease),
            retries: cluster.id_opener(Purpose::Retry),
        }
    }

    /// Of this boot.
    #[must_use]
    pub const fn boot_id(&self) -> Uuid {
        self.boot_id
    }

    /// Seals a lease id.
    ///
    /// # Errors
    /// When this boot has given all its serials, or the claims are too long.
    pub fn seal_lease(&self, claims: &[u8]) -> Result<String, SealedIdError> {
        self.sealers.lease.next_serial()?.seal(claims)
    }

    /// Seals a retry token.
    ///
    /// # Errors
    /// As [`Self::seal_lease`].
    pub fn seal_retry(&self, claims: &[u8]) -> Result<String, SealedIdError> {
        self.sealers.retry.next_serial()?.seal(claims)
    }

    /// Opens what any replica sealed.
    ///
    /// # Errors
    /// When it is malformed, forged, for another purpose, or of another cluster.
    pub fn open(&self, purpose: Purpose, text: &str) -> Result<Opened, SealedIdError> {
        match purpose {
            Purpose::Retry => self.retries.open(text),
            Purpose::Lease => self.leases.open(text),
        }
    }
}
