//! The end of a rewrap: nothing is left to move, or nothing that could be.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Step;
use crate::crypto::EnvelopeError;
use crate::domain::rewrap::{Rewrap, RewrapState};
use crate::store::rewraps::Claim;
use crate::store::{cluster, master_keys, rewraps, secrets};
use crate::vault::error::Refusal;
use crate::vault::master_keys::promote_master_key::resource_of;
use crate::vault::sealing::count_wraps;
use crate::vault::{Done, Result, Verb, Work};

/// The end of a rewrap: of which, and how.
pub(super) struct EndRewrap(pub(super) Uuid, pub(super) RewrapState);

/// The walk is over. What was sealed behind it by a release that does not know the promoted key is found by another walk; one that moves
/// nothing is the last.
pub(super) async fn conclude(conn: &mut PgConnection, claim: &Claim) -> Result<Step> {
    let left = secrets::count_not_wrapped_with(conn, &claim.master_key_fingerprint).await?;
    if left > 0 && claim.moved > 0 {
        rewraps::walk_again(conn, claim.uid).await?;
        let rate_max = claim.rate_max.unsigned_abs();
        return Ok(Step::Batch { rows: 1, rate_max });
    }
    let state = if left > 0 {
        RewrapState::Incomplete
    } else {
        RewrapState::Done
    };
    Ok(Step::Ended(claim.uid, state))
}

impl Verb for EndRewrap {
    type Answer = ();

    /// The cluster key moves in the transaction that ends it: whoever changes something holds the cluster's row anyway.
    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let Self(uid, state) = self;
        let running = rewraps::latest(work.conn).await?;
        let is_it = |rewrap: &Rewrap| rewrap.uid == uid && rewrap.state == RewrapState::Running;
        let Some(running) = running.filter(is_it) else {
            let resource = "masterKeys".to_owned();
            return Err(Refusal::NotFound { resource }.into());
        };
        // Its row before those of master keys, as a batch takes them.
        rewraps::end(work.conn, state).await?;
        if state != RewrapState::Exhausted {
            rewrap_cluster_key(work, &running.master_key).await?;
        }
        master_keys::note_unneeded(work.conn).await?;
        let (moved, failed) = (running.rewrapped, running.failed);
        Ok(Done {
            answer: (),
            resource: resource_of(&running.master_key),
            summary: format!(
                "the rewrap is {}: {moved} data keys moved, {failed} could not be",
                state.as_str()
            ),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}

/// From memory, where it is open: a wrap that was damaged since is whole again then. Refused where the master key must not wrap any more.
async fn rewrap_cluster_key(work: &mut Work<'_>, to: &str) -> Result<()> {
    let by = cluster::lock_wrapped_key(work.conn)
        .await?
        .map(|(_, by)| by);
    if by.as_deref() == Some(to) {
        return Ok(());
    }
    let ring = work.keys.ring();
    let fingerprint = to.parse().map_err(|_| EnvelopeError::DoesNotOpen)?;
    let master_key = ring.find(&fingerprint).map_err(EnvelopeError::from)?;
    count_wraps(work.conn, fingerprint, 1).await?;
    let new = work.keys.cluster.wrap(master_key)?;
    Ok(cluster::rewrap_key(work.conn, &new.wrapped, to).await?)
}
