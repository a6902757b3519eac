//! The work of `RewrapKeys`, a batch at a time, by whichever replica has claimed it. Every batch is one transaction that moves rows and
//! the operation's own row together, so that a replica that ends anywhere leaves nothing half done, and the next one goes on.
//!
//! Secrets stay as they are in the memory of replicas, so a rewrap takes no revision and nobody reads anything again.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use self::ending::{EndRewrap, conclude};
use crate::crypto::{Fingerprint, KeyRing, WrapBudget};
use crate::domain::rewrap::RewrapState;
use crate::store::connection::{CHANGE_WITHIN, begin, in_time};
use crate::store::rewraps::Claim;
use crate::store::secrets::{self, Rewrapped, WrapRow};
use crate::store::{master_keys, rewraps};
use crate::vault::change::BEGIN;
use crate::vault::error::{Error, Fault, Refusal};
use crate::vault::sealing::{heed_wraps, rewrapped};
use crate::vault::{Change, Result, Vault};

mod ending;

/// How long nobody else takes over from a replica that is not heard of. Two that work at it at once would do no harm, since each batch holds
/// the operation's row: this only keeps them from taking turns.
const CLAIM_LASTS: Duration = Duration::from_secs(5);
/// Rows of one transaction: few enough that it takes milliseconds, and that whoever seals meanwhile hardly waits.
const BATCH_MAX: i32 = 100;
/// Batches a second, where the pace allows that few: so that the claim is kept and progress is seen.
const BATCHES_PER_SECOND: i32 = 10;

/// What one step of the work was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is nothing to do for this replica.
    Idle,
    /// So many rows were looked at, of so many that a second may have.
    Batch {
        /// Rows.
        rows: u32,
        /// Of a second, at most.
        rate_max: u32,
    },
    /// This one has ended, so.
    Ended(Uuid, RewrapState),
}

impl Step {
    /// How long to wait before the next, counted from the beginning of this one.
    #[must_use]
    pub fn pause(self) -> Duration {
        match self {
            Self::Batch { rows, rate_max } => {
                Duration::from_secs(1).mul_f64(f64::from(rows) / f64::from(rate_max.max(1)))
            }
            Self::Idle | Self::Ended(..) => Duration::ZERO,
        }
    }
}

impl Vault {
    /// Does the next batch, if a rewrap runs and no other replica works at it. To be called in a task of its own.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault. It is tried again.
    pub async fn rewrap_step(self: &Arc<Self>) -> Result<Step> {
        let step = in_time(CHANGE_WITHIN, self.rewrap_batch()).await?;
        let Step::Ended(uid, state) = step else {
            return Ok(step);
        };
        match self.end_rewrap(uid, state).await {
            // The wrap of the cluster key is the one too many.
            Err(Error::Refused(Refusal::State { .. })) => {
                self.end_rewrap(uid, RewrapState::Exhausted).await?;
                Ok(Step::Ended(uid, RewrapState::Exhausted))
            }
            ended => ended.map(|()| step),
        }
    }

    async fn end_rewrap(self: &Arc<Self>, uid: Uuid, state: RewrapState) -> Result<()> {
        let change = Change::by_system("RewrapKeys", "it has come to its end");
        match self.change(change, EndRewrap(uid, state)).await {
            // Somebody else has ended it meanwhile.
            Err(Error::Refused(Refusal::NotFound { .. })) => Ok(()),
            ended => ended,
        }
    }

    async fn rewrap_batch(&self) -> Result<Step> {
        let mut transaction = begin(&self.pool, BEGIN).await?;
        let Some(claim) = rewraps::claim(&mut transaction, self.live.boot_id, CLAIM_LASTS).await?
        else {
            return Ok(Step::Idle);
        };
        let ring = self.keys.ring();
        let to = claim.master_key_fingerprint.parse::<Fingerprint>();
        // A replica that lacks the key leaves it to one that has it.
        let Some(to) = to.ok().filter(|to| ring.find(to).is_ok()) else {
            return Ok(Step::Idle);
        };
        let rows_max = (claim.rate_max / BATCHES_PER_SECOND).clamp(1, BATCH_MAX);
        let rows = secrets::not_wrapped_with(
            &mut transaction,
            &claim.master_key_fingerprint,
            claim.after.as_ref(),
            rows_max.into(),
        );
        let rows = rows.await?;
        let step = match rows.last() {
            Some(last) => {
                let passed = (last.version_uid, last.field.clone());
                let rate_max = claim.rate_max.unsigned_abs();
                let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                if self
                    .move_rows(&mut transaction, &claim, (ring, to), rows, passed)
                    .await?
                {
                    Step::Batch {
                        rows: count,
                        rate_max,
                    }
                } else {
                    Step::Ended(claim.uid, RewrapState::Exhausted)
                }
            }
            None => conclude(&mut transaction, &claim).await?,
        };
        // What ends it is committed with its audit row.
        if !matches!(step, Step::Ended(..)) {
            transaction.commit().await?;
        }
        Ok(step)
    }

    /// Moves these rows. False if the master key must not wrap any more.
    async fn move_rows(
        &self,
        conn: &mut PgConnection,
        claim: &Claim,
        (ring, to): (Arc<KeyRing>, Fingerprint),
        rows: Vec<WrapRow>,
        (version_uid, field): (Uuid, String),
    ) -> Result<bool> {
        let count = signed(rows.len());
        let wrapping = tokio::task::spawn_blocking(move || wrap_all(&ring, to, rows));
        let doing = "wrapping anew was abandoned";
        let moved = wrapping.await.map_err(|cause| Fault::new(doing, cause))?;
        let (failed, wraps) = (count - signed(moved.len()), signed(moved.len()));
        // The count before the rows, as whoever seals does it: else the two could wait for each other.
        let total = master_keys::add_wraps(conn, &claim.master_key_fingerprint, wraps).await?;
        if heed_wraps(&claim.master_key_fingerprint, total) == WrapBudget::Refuse {
            return Ok(false);
        }
        let stored = secrets::rewrap(conn, &claim.master_key_fingerprint, &moved).await?;
        let stored = i64::try_from(stored).unwrap_or(i64::MAX);
        rewraps::advance(conn, claim.uid, (version_uid, &field), stored, failed).await?;
        Ok(true)
    }
}

/// The new wraps of those that open.
fn wrap_all(ring: &KeyRing, to: Fingerprint, rows: Vec<WrapRow>) -> Vec<Rewrapped> {
    let wrap = |row: WrapRow| match rewrapped(ring, to, &row) {
        Ok(new) => Some(Rewrapped {
            version_uid: row.version_uid,
            field: row.field,
            old: row.wrapped_dek,
            new,
        }),
        Err(error) => {
            let (version, master_key) = (row.version_uid, row.master_key_fingerprint);
            tracing::warn!(version.uid = %version, master_key, %error, "a data key could not be wrapped anew, it stays as it is");
            None
        }
    };
    rows.into_iter().filter_map(wrap).collect()
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_the_pace_that_was_asked_for() {
        let pause = |rows, rate_max| Step::Batch { rows, rate_max }.pause();
        assert_eq!(pause(100, 1_000), Duration::from_millis(100));
        assert_eq!(pause(1, 2), Duration::from_millis(500));
        assert_eq!(pause(100, 20_000), Duration::from_millis(5));
        assert_eq!(Step::Idle.pause(), Duration::ZERO);
    }
}
