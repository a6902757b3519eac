//! LeaseKey: the right to start some upstream requests with one healthy key, within every limit. No IO but a strict journal's.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;
use uuid::Uuid;

use super::Vault;
use super::patience::instant;
use super::trying::{Tried, attempt};
use crate::domain::caller::{Bearer, Caller};
use crate::domain::claims::{Avoided, LeaseClaims, RetryClaims};
use crate::domain::id::Id;
use crate::domain::name::{AccountName, KeyName};
use crate::domain::pool::Estimate;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::tags::Tags;
use crate::domain::time::BootTime;
use crate::live::choose::{Chosen, Now, undo};
use crate::live::credential::Credential;
use crate::live::line::Waiting;
use crate::live::snapshot::PoolEntry;

/// How often a key is chosen anew that was taken out while the lease of another was recorded.
const CHOICES_MAX: usize = 3;

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseKey {
    /// The pool, by id.
    pub pool: Id,
    /// The model.
    pub model: Option<String>,
    /// Uses asked for: at least 1.
    pub requests: u32,
    /// What one use is expected to consume; the pool's unless set.
    pub estimate: Option<Estimate>,
    /// How long to wait for permits.
    pub max_wait: Duration,
    /// How long the lease may be reported; the pool's unless set.
    pub lease_duration: Option<Duration>,
    /// Prefers the same key for the same value.
    pub affinity_key: Option<String>,
    /// From this account only.
    pub account: Option<Id>,
    /// From the advice of a report.
    pub retry_token: Option<String>,
    /// For charge-back.
    pub tags: Tags,
    /// The same call sent again is answered with the same lease.
    pub request_id: Option<String>,
    /// When the call came: what it promises is counted from here, since sending came before.
    pub received: BootTime,
    /// When it must be answered.
    pub deadline: Option<BootTime>,
}

/// A lease.
#[derive(Debug)]
pub struct Lease {
    /// Opaque.
    pub lease_id: String,
    /// Uses granted.
    pub granted: u32,
    /// The key.
    pub key: KeyName,
    /// The account.
    pub account: AccountName,
    /// The uid of the pool it is from.
    pub pool_uid: Uuid,
    /// The account's uid.
    pub account_uid: Uuid,
    /// The version's uid.
    pub version_uid: Uuid,
    /// The number of its version.
    pub version: u32,
    /// Ready to send.
    pub credential: Credential,
    /// As the provider names it.
    pub model: String,
    /// Counted from when the caller sent the call.
    pub start_within: Duration,
    /// Counted from when the caller sent the call.
    pub report_within: Duration,
    /// The single lease that decides over a dead version.
    pub is_canary: bool,
}

impl Vault {
    /// Leases a key.
    ///
    /// # Errors
    /// Why not, and when it could be.
    pub async fn lease_key(&self, bearer: &Bearer, call: &LeaseKey) -> Result<Lease, LeaseRefusal> {
        match &call.request_id {
            None => self.lease_anew(bearer, call).await,
            Some(id) => self.lease_once(bearer, call, id).await,
        }
    }

    /// Leases a key, whatever was leased before.
    pub(super) async fn lease_anew(
        &self,
        bearer: &Bearer,
        call: &LeaseKey,
    ) -> Result<Lease, LeaseRefusal> {
        let caller = &bearer.caller;
        let avoided = self.avoided(caller, call.retry_token.as_deref())?;
        for _ in 0..CHOICES_MAX {
            let (pool, chosen, now) = self.obtain(bearer, call, &avoided).await?;
            let made = super::journaling::Made::of(&pool, &chosen);
            let lease = self.give(caller, call, avoided.avoided.clone(), &pool, chosen, now)?;
            if self
                .journal((bearer, call), &pool, &lease, made, now)
                .await?
            {
                pool.live.leases.increment(1);
                return Ok(lease);
            }
        }
        Err(LeaseRefusal::JournalBehind)
    }

    /// Chooses a key and takes its permits, waiting in line as long as the call allows. The clocks come along as they were when the
    /// permits were looked at: whatever stops this replica after that must not lengthen what it promises.
    async fn obtain(
        &self,
        bearer: &Bearer,
        call: &LeaseKey,
        avoided: &RetryClaims,
    ) -> Result<(Arc<PoolEntry>, Chosen, Now), LeaseRefusal> {
        let mut waiting: Option<Waiting> = None;
        loop {
            let now = self.live.now();
            let pool = self.admit(bearer, call, now)?;
            let answered = waiting.as_ref().map(|_| self.live.canaries.answered());
            let until = match attempt(&self.live, &pool, (call, avoided), &mut waiting, now)? {
                Tried::Served(chosen) => return Ok((pool, chosen, now)),
                Tried::Again => continue,
                Tried::Waits(until) => until,
            };
            if let (Some(place), Some(answered)) = (&waiting, answered) {
                tokio::select! {
                    () = place.woken() => {}
                    () = answered => {}
                    () = sleep_until(instant(until)) => {}
                    () = self.live.drained() => {}
                }
            }
        }
    }

    /// Writes the lease id, and says how long the lease holds.
    fn give(
        &self,
        caller: &Caller,
        call: &LeaseKey,
        avoided: Vec<Avoided>,
        pool: &PoolEntry,
        chosen: Chosen,
        now: Now,
    ) -> Result<Lease, LeaseRefusal> {
        let waited = now.boot.since(call.received);
        let (account, version) = (&chosen.account.account, &chosen.version);
        let credential = version.credential.clone();
        let credential = credential.ok_or(LeaseRefusal::SnapshotStale)?;
        let within = chosen.taken.within;
        let granted = u32::try_from(chosen.taken.uses).unwrap_or(u32::MAX);
        let model = call.model.as_deref().unwrap_or_default();
        let claims = LeaseClaims {
            caller_uid: caller.meta.uid,
            pool_uid: pool.pool.meta.uid,
            account_uid: account.meta.uid,
            version_uid: version.version.meta.uid,
            model: version.key.models.provider_name(model).to_owned(),
            granted,
            is_canary: chosen.is_canary,
            given: now.database,
            // A call that may be sent again may start later than is counted from here.
            received: call.request_id.is_none().then_some(call.received),
            report_within: within.report,
            draws: chosen.taken.draws,
            avoided,
            tags: call.tags.clone(),
        };
        let live = &chosen.account.live;
        self.live.ledger.note(std::slice::from_ref(live));
        let Ok(lease_id) = self.ids.seal_lease(&claims.encode()) else {
            undo(&chosen.account, version, &claims, now.boot);
            return Err(LeaseRefusal::TooManyLimits);
        };
        // Before anybody has it: the version is not revoked while it is out.
        let ends = now.boot.after(within.report);
        version.live.out(claims.ends(), ends, now.boot);
        Ok(Lease {
            lease_id,
            granted,
            key: KeyName {
                account: account.id.clone(),
                key: version.key.id.clone(),
            },
            account: AccountName(account.id.clone()),
            pool_uid: claims.pool_uid,
            account_uid: claims.account_uid,
            version_uid: claims.version_uid,
            version: version.version.number,
            credential,
            model: version.key.models.provider_name(model).to_owned(),
            start_within: within.start + waited,
            report_within: within.report + waited,
            is_canary: chosen.is_canary,
        })
    }
}
