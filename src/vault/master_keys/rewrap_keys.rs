//! `RewrapKeys` and `CancelRewrap`: wrapping every data key, and the cluster key, anew under the promoted master key. A replica does it in
//! the background: see `rewrapping`.

use super::get_master_key_status::{MasterKeyStatus, status};
use super::promote_master_key::{PromoteMasterKey, resource_of};
use super::promoted::sealer;
use crate::crypto::Fingerprint;
use crate::domain::rewrap::{RATE_DEFAULT, RewrapState};
use crate::store::{rewraps, secrets};
use crate::vault::error::Refusal;
use crate::vault::{Done, Result, Verb, Work};

/// Begins, or, where one runs, sets its pace.
#[derive(Debug, Clone, Copy)]
pub struct RewrapKeys {
    /// At most so many rows a second.
    pub rate_max: i32,
}

/// Promotes a master key and has everything wrapped with it, in one change: what was only promoted would leave all under the old one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplaceMasterKey(pub(super) Fingerprint);

/// Stops the one that runs. What was moved stays moved.
#[derive(Debug, Clone, Copy)]
pub struct CancelRewrap;

impl Verb for RewrapKeys {
    type Answer = MasterKeyStatus;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<MasterKeyStatus>> {
        let master_key = sealer(work).await?.fingerprint().to_string();
        let running = rewraps::latest(work.conn).await?;
        let is_running = running.is_some_and(|rewrap| rewrap.state == RewrapState::Running);
        let summary = if is_running {
            rewraps::set_rate(work.conn, self.rate_max).await?;
            format!("goes on at {} rows a second at most", self.rate_max)
        } else {
            let total = secrets::count_not_wrapped_with(work.conn, &master_key).await?;
            rewraps::insert(work.conn, &master_key, total, self.rate_max).await?;
            format!("{total} data keys and the cluster key are to be wrapped with it")
        };
        Ok(Done {
            answer: status(work.conn, work.keys).await?,
            resource: resource_of(&master_key),
            summary,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<MasterKeyStatus> {
        Ok(status(work.conn, work.keys).await?)
    }
}

impl Verb for ReplaceMasterKey {
    type Answer = MasterKeyStatus;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<MasterKeyStatus>> {
        let promoted = PromoteMasterKey(self.0).apply(work).await?;
        work.note(promoted.resource, promoted.summary);
        let rate_max = i32::try_from(RATE_DEFAULT).unwrap_or(i32::MAX);
        RewrapKeys { rate_max }.apply(work).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<MasterKeyStatus> {
        Ok(status(work.conn, work.keys).await?)
    }
}

impl Verb for CancelRewrap {
    type Answer = MasterKeyStatus;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<MasterKeyStatus>> {
        let before = rewraps::latest(work.conn).await?;
        let running = before.filter(|rewrap| rewrap.state == RewrapState::Running);
        let Some(running) = running else {
            return Err(Refusal::State {
                resource: "masterKeys".to_owned(),
                message: "no rewrap runs, so there is none to cancel".to_owned(),
            }
            .into());
        };
        rewraps::end(work.conn, RewrapState::Cancelled).await?;
        Ok(Done {
            answer: status(work.conn, work.keys).await?,
            resource: resource_of(&running.master_key),
            summary: format!(
                "the rewrap is cancelled after {} of {} data keys",
                running.rewrapped, running.total
            ),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<MasterKeyStatus> {
        Ok(status(work.conn, work.keys).await?)
    }
}
