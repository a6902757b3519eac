//! Revoking previous versions whose last lease has ended: what a background loop calls.

use std::sync::Arc;

use crate::domain::rotation::Event;
use crate::domain::time::Timestamp;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::key_versions::{self, Drained};
use crate::store::{rotations, rotators, secrets};
use crate::vault::error::Refusal;
use crate::vault::{Change, Done, Error, Result, Vault, Verb, Work};

/// The most versions that one call revokes; the next call goes on.
const BATCH_MAX: i64 = 100;

/// A previous version to revoke, by the vault itself.
#[derive(Debug)]
struct RevokeVersion(Drained);

impl Vault {
    /// Revokes previous versions whose last lease has ended by `now`, erases their secrets and ends their rotations. Answers how
    /// many; call again at once if that is 100. Any replica may call it at any time: a version is revoked once.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn revoke_drained(self: &Arc<Self>, now: Timestamp) -> Result<usize> {
        let drained = async {
            let mut conn = acquire(&self.pool).await?;
            key_versions::drained(&mut conn, now, BATCH_MAX).await
        };
        let drained = in_time(ANSWER_WITHIN, drained).await?;
        let mut revoked = 0;
        for version in drained {
            let change = Change::by_system("RevokeVersion", "its leases have ended");
            match self.change(change, RevokeVersion(version)).await {
                Ok(()) => revoked += 1,
                // Another replica was faster, or the key was deleted.
                Err(Error::Refused(Refusal::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(revoked)
    }
}

impl Verb for RevokeVersion {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let Drained {
            uid,
            key_uid,
            account_uid,
            number,
            account_id,
            key_id,
        } = self.0;
        let resource = format!("accounts/{account_id}/keys/{key_id}/versions/{number}");
        if !key_versions::revoke(work.conn, uid, work.rev, work.now).await? {
            return Err(Refusal::NotFound { resource }.into());
        }
        secrets::erase(work.conn, uid).await?;
        // Whoever made it, the rotator is told: it may know it by the key.
        let at_provider = rotators::find(work.conn, account_uid).await?.is_some();
        for mut rotation in rotations::of_drained(work.conn, key_uid, number).await? {
            let drained = Event::Drained { at_provider };
            // One that was undone has nothing more to do where no rotator is.
            if rotation.on(drained, work.now).is_ok() {
                rotations::update(work.conn, &rotation).await?;
            }
        }
        Ok(Done {
            answer: (),
            resource,
            summary: "revoked, its secret is erased".to_owned(),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
