//! Revoking previous versions whose last lease has ended: what a background loop calls.

use std::sync::Arc;

use uuid::Uuid;

use super::revoke_version::{Previous, revoke_version, summary};
use crate::domain::time::Timestamp;
use crate::live::clock::boot_now;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::key_versions::{self, Drained};
use crate::store::replicas;
use crate::store::version_retries::{self, Deed};
use crate::vault::error::Refusal;
use crate::vault::trust::root;
use crate::vault::{Change, Done, Error, Result, Vault, Verb, Work};

/// The most versions that one call revokes; the next call goes on.
const BATCH_MAX: i64 = 100;

/// A previous version to revoke, by the vault itself.
#[derive(Debug)]
struct RevokeVersion {
    drained: Drained,
    /// Replicas that are not heard of.
    silent: Arc<[Uuid]>,
    now: Timestamp,
}

impl Vault {
    /// Revokes previous versions whose last lease has ended by `now`, erases their secrets and ends their rotations. Answers how
    /// many; call again at once if that is 100. Any replica may call it at any time: a version is revoked once.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn revoke_drained(self: &Arc<Self>, now: Timestamp) -> Result<usize> {
        let drained = async {
            let mut conn = acquire(&self.pool).await?;
            let beats = replicas::beats(&mut conn).await?;
            let silent = self.live.silent.look(beats, boot_now());
            let drained = key_versions::drained(&mut conn, None, &silent, now, BATCH_MAX).await?;
            Ok::<_, crate::store::Error>((drained, Arc::from(silent)))
        };
        let (drained, silent): (_, Arc<[Uuid]>) = in_time(ANSWER_WITHIN, drained).await?;
        let mut revoked = 0;
        for drained in drained {
            let change = Change::by_system("RevokeVersion", "its leases have ended");
            let silent = Arc::clone(&silent);
            let revoke = RevokeVersion {
                drained,
                silent,
                now,
            };
            let version = revoke.drained.uid;
            match self.change(change, revoke).await {
                Ok(()) => revoked += 1,
                // Another replica was faster, a lease goes on, or the key was deleted.
                Err(Error::Refused(Refusal::NotFound { .. })) => {}
                Err(error @ Error::Refused(Refusal::DatabaseUnreachable)) => return Err(error),
                // Whatever is wrong with one keeps no other.
                Err(error) => {
                    tracing::error!(%error, cause = root(&error), %version, "a previous version cannot be revoked, it is tried again");
                    self.try_later(version, Deed::Revoke).await;
                }
            }
        }
        Ok(revoked)
    }

    /// What could not be done to one version is tried again after the others.
    pub(super) async fn try_later(&self, version: Uuid, deed: Deed) {
        let putting = async {
            let mut conn = acquire(&self.pool).await?;
            version_retries::put_off(&mut conn, version, deed).await
        };
        if let Err(error) = in_time(ANSWER_WITHIN, putting).await {
            tracing::warn!(%error, %version, "when it is tried again could not be noted, it is with the next round");
        }
    }
}

impl Verb for RevokeVersion {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let uid = self.drained.uid;
        // What was found before may have changed: a lease went on, it was current again for a while, or its key has moved. Nothing does
        // under the lock.
        let is_locked = key_versions::lock(work.conn, uid).await?;
        let still = key_versions::drained(work.conn, Some(uid), &self.silent, self.now, 1);
        let Some(still) = still.await?.pop().filter(|_| is_locked) else {
            let resource = self.drained.name();
            return Err(Refusal::NotFound { resource }.into());
        };
        let resource = still.name();
        let Drained {
            key_uid,
            account_uid,
            number,
            ..
        } = still;
        let previous = Previous {
            uid,
            key_uid,
            account_uid,
            number,
        };
        let twin = revoke_version(work, previous).await?;
        Ok(Done {
            answer: (),
            resource,
            summary: summary(twin),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
