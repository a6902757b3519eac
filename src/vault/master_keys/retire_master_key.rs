//! `RetireMasterKey`: no replica uses it any more.

use std::time::Duration;

use super::get_master_key_status::{MasterKeyStatus, MasterKeyView, status};
use super::promote_master_key::resource_of;
use crate::crypto::Fingerprint;
use crate::domain::rewrap::RewrapState;
use crate::domain::time::Timestamp;
use crate::store::master_keys;
use crate::vault::error::Refusal;
use crate::vault::guard::found;
use crate::vault::{Done, Result, Verb, Work};

/// A master key that is to be used no more.
#[derive(Debug, Clone, Copy)]
pub struct RetireMasterKey {
    /// Which.
    pub fingerprint: Fingerprint,
    /// How long nothing must have been wrapped with it: as long as backups are kept that need it.
    pub retention: Duration,
}

impl Verb for RetireMasterKey {
    type Answer = MasterKeyStatus;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<MasterKeyStatus>> {
        let fingerprint = self.fingerprint.to_string();
        let resource = resource_of(&fingerprint);
        master_keys::note_unneeded(work.conn).await?;
        let all = status(work.conn, work.keys).await?;
        let known = all
            .master_keys
            .iter()
            .find(|k| k.row.fingerprint == fingerprint);
        let known = found(known, &resource)?;
        let summary = if known.row.retire_time.is_some() {
            "is retired already"
        } else {
            if let Some(why) = self.needed(known, &all, work.now) {
                let message = format!("master key {fingerprint} is not retired: {why}");
                return Err(Refusal::State { resource, message }.into());
            }
            master_keys::retire(work.conn, &fingerprint, work.now).await?;
            "retired, take it out of the master keys of every replica"
        };
        Ok(Done {
            answer: status(work.conn, work.keys).await?,
            resource,
            summary: summary.to_owned(),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<MasterKeyStatus> {
        Ok(status(work.conn, work.keys).await?)
    }
}

impl RetireMasterKey {
    /// What still needs it. Whatever seals waits for this change, so that nothing can begin to.
    fn needed(&self, key: &MasterKeyView, all: &MasterKeyStatus, now: Timestamp) -> Option<String> {
        if key.promoted {
            return Some("it is promoted, promote another first".to_owned());
        }
        let rewrap = all
            .rewrap
            .as_ref()
            .filter(|rewrap| rewrap.state == RewrapState::Running);
        if rewrap.is_some_and(|rewrap| rewrap.master_key == key.row.fingerprint) {
            return Some("everything is just being wrapped with it, cancel that first".to_owned());
        }
        if key.row.is_needed() {
            let cluster = if key.row.wraps_cluster_key {
                " and the cluster key"
            } else {
                ""
            };
            return Some(format!(
                "{} secrets{cluster} cannot be read without it, run `keylease master-key rewrap` and wait until that is done",
                key.row.secrets
            ));
        }
        let since = key.row.unneeded_time?;
        let unneeded = now.since(since);
        (unneeded < self.retention).then(|| {
            format!(
                "backups may need it, since something was wrapped with it until {} ago: wait, or retire it with a retention of 0s where \
                 no such backup is kept",
                humantime::format_duration(Duration::from_secs(unneeded.as_secs()))
            )
        })
    }
}
