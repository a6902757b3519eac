//! The master keys that this replica was given, taken up while it serves.

use std::sync::Arc;

use super::adding::AddMasterKeys;
use super::promoted::{self, Promoted};
use super::rewrap_keys::ReplaceMasterKey;
use crate::crypto::{Fingerprint, KeyRing};
use crate::store::connection::acquire;
use crate::store::{cluster, master_keys, secrets};
use crate::vault::error::Refusal;
use crate::vault::{Change, Error, Result, Vault};

/// What changed by taking up a ring.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RingChange {
    /// Master keys that are new here.
    pub added: Vec<Fingerprint>,
    /// Master keys that are not held any more.
    pub dropped: Vec<Fingerprint>,
    /// Master keys that were not given any more and are held all the same, since something cannot be read without them.
    pub kept: Vec<Fingerprint>,
}

impl Vault {
    /// Holds the master keys of `found`, but for those that are retired, from now on. What did not open for want of one is read again.
    /// A key that something still needs is never let go: a restart without it would fail, and so that is said instead.
    ///
    /// # Errors
    /// The database cannot be reached; the ring stays as it was.
    pub async fn hold_ring(self: &Arc<Self>, found: KeyRing) -> Result<RingChange> {
        let held = self.keys.ring();
        let retired = {
            let mut conn = acquire(&self.pool).await?;
            master_keys::retired(&mut conn).await?
        };
        let found = found.retain(|key| !retired.contains(&key.to_string()));
        let has = |ring: &KeyRing, key: &Fingerprint| ring.find(key).is_ok();
        let is_found = |key: &Fingerprint| found.as_ref().is_some_and(|found| has(found, key));
        let missing: Vec<Fingerprint> = held
            .fingerprints()
            .into_iter()
            .filter(|key| !is_found(key))
            .collect();
        let kept = self.needed_of(&missing).await?;
        let rings = found
            .into_iter()
            .chain(held.retain(|key| kept.contains(key)));
        // Nothing to hold at all can only be where everything was retired, and the promoted one never is.
        let Ok(ring) = KeyRing::join(rings) else {
            return Ok(RingChange {
                kept: held.fingerprints(),
                ..RingChange::default()
            });
        };
        let change = RingChange {
            added: ring
                .fingerprints()
                .into_iter()
                .filter(|key| !has(&held, key))
                .collect(),
            dropped: missing
                .into_iter()
                .filter(|key| !kept.contains(key))
                .collect(),
            kept,
        };
        if !change.added.is_empty() || !change.dropped.is_empty() {
            self.swap_ring(ring, &change.added).await?;
        }
        Ok(change)
    }

    /// Where the passphrase of the promoted master key gives a stronger one by now, which every replica that lives holds, promotes that and
    /// has everything wrapped with it. Only this process's own word counts for that, which derived both: a row that says so is anybody's.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn promote_replacement(self: &Arc<Self>) -> Result<()> {
        let promoted = {
            let mut conn = acquire(&self.pool).await?;
            promoted::read_committed(&mut conn, &self.keys).await?
        };
        let replacement = match promoted {
            Promoted::Key(promoted) => self.keys.ring().replacement_of(&promoted),
            Promoted::None | Promoted::Tampered => None,
        };
        let Some(replacement) = replacement else {
            return Ok(());
        };
        let why = "its passphrase is stretched under stronger parameters";
        let change = Change::by_system("PromoteMasterKey", why);
        match self.change(change, ReplaceMasterKey(replacement)).await {
            // Where it is refused, not every replica has been started again yet.
            Ok(_) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Says to the fleet what is held.
    pub(in crate::vault) fn publish_ring(&self) {
        let fingerprints = self.keys.ring().fingerprints();
        self.live
            .holds(fingerprints.iter().map(ToString::to_string).collect());
    }

    /// Which of these something cannot be read, or sealed, without.
    async fn needed_of(&self, missing: &[Fingerprint]) -> Result<Vec<Fingerprint>> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let mut conn = acquire(&self.pool).await?;
        let mut needed = secrets::master_keys(&mut conn).await?;
        needed.extend(cluster::wrapped_key(&mut conn).await?.map(|(_, by)| by));
        if let Promoted::Key(promoted) = promoted::read(&mut conn, &self.keys).await? {
            needed.push(promoted.to_string());
        }
        let is_needed = |key: &&Fingerprint| needed.contains(&key.to_string());
        Ok(missing.iter().filter(is_needed).copied().collect())
    }

    async fn swap_ring(self: &Arc<Self>, ring: KeyRing, added: &[Fingerprint]) -> Result<()> {
        let mut conn = acquire(&self.pool).await?;
        for fingerprint in added {
            master_keys::register(&mut conn, &fingerprint.to_string()).await?;
        }
        drop(conn);
        let change = Change::by_system("AddMasterKey", "a replica was given it");
        match self.change(change, AddMasterKeys).await {
            // Another replica was given it before.
            Ok(()) | Err(Error::Refused(Refusal::NotFound { .. })) => {}
            Err(error) => return Err(error),
        }
        self.keys.hold(ring);
        self.publish_ring();
        let rev = {
            let mut registry = Arc::clone(&self.registry).lock_owned().await;
            let mut known = registry.versions.values();
            let is_missing =
                known.any(|known| known.missing_key.is_some_and(|key| added.contains(&key)));
            if !is_missing {
                return Ok(());
            }
            // From the beginning, which takes up anew what is known.
            std::mem::take(&mut registry.rev)
        };
        self.refresh(rev).await
    }
}
