//! What a pool has recorded of its leases, and the lease that waits for it.

use std::time::Duration;

use tokio::time::timeout;

use super::Vault;
use super::lease_key::{Lease, LeaseKey};
use crate::crypto::Purpose;
use crate::domain::caller::{Bearer, Caller};
use crate::domain::claims::LeaseClaims;
use crate::domain::journal::{JournalRecord, Journaling, beginning};
use crate::domain::name::{CallerName, PoolName};
use crate::domain::refusal::LeaseRefusal;
use crate::live::choose::{Chosen, Now, undo};
use crate::live::clock::boot_now;
use crate::live::journal::CountKey;
use crate::live::snapshot::{AccountEntry, PoolEntry, VersionEntry};

/// How long a lease waits for its record: longer than any commit takes that is not in trouble, shorter than callers wait.
const COMMIT_WITHIN: Duration = Duration::from_secs(2);

/// A lease whose record is not committed, or whose secret may not go out any more: dropped so, nobody gets it, and its permits go back.
struct Unwritten<'a> {
    vault: &'a Vault,
    account: std::sync::Arc<AccountEntry>,
    version: std::sync::Arc<VersionEntry>,
    lease_id: Option<String>,
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        let Some(lease_id) = &self.lease_id else {
            return;
        };
        let opened = self.vault.ids.open(Purpose::Lease, lease_id);
        // It was sealed here a moment ago.
        if let Ok(Ok(claims)) = opened.map(|opened| LeaseClaims::decode(&opened.plaintext)) {
            undo(&self.account, &self.version, &claims, boot_now());
            // Nobody may have looked at it since it was said that they are used.
            self.vault
                .live
                .ledger
                .note(std::slice::from_ref(&self.account.live));
            // Nobody has it, so its version is not kept for it.
            self.version.live.back(claims.ends());
        }
    }
}

/// What a lease that may be taken back was made of.
pub(super) struct Made {
    account: std::sync::Arc<AccountEntry>,
    version: std::sync::Arc<VersionEntry>,
}

impl Made {
    /// Of the parts of a lease that waits for its record; nothing of any other.
    pub(super) fn of(pool: &PoolEntry, chosen: &Chosen) -> Option<Self> {
        (pool.pool.journal == Journaling::Strict).then(|| Self {
            account: std::sync::Arc::clone(&chosen.account),
            version: std::sync::Arc::clone(&chosen.version),
        })
    }
}

impl Vault {
    /// Has a lease recorded as its pool says. Only where the record comes before the secret is anything waited for; false where the secret
    /// has been taken out meanwhile.
    pub(super) async fn journal(
        &self,
        (bearer, call): (&Bearer, &LeaseKey),
        pool: &PoolEntry,
        lease: &Lease,
        made: Option<Made>,
        now: Now,
    ) -> Result<bool, LeaseRefusal> {
        let caller = &*bearer.caller;
        let record = || record(caller, call, pool, lease, now);
        if let Some(Made { account, version }) = made {
            let mut unwritten = Unwritten {
                vault: self,
                account,
                version,
                lease_id: Some(lease.lease_id.clone()),
            };
            let committed = self.live.journal.put_strict(record(), now.boot);
            let committed = committed.ok_or(LeaseRefusal::JournalBehind)?;
            let Ok(Ok(())) = timeout(COMMIT_WITHIN, committed).await else {
                return Err(LeaseRefusal::JournalBehind);
            };
            let now = self.live.now();
            let pool = self.admit(bearer, call, now)?;
            let is_served = self.still_served(&pool, lease.of(), now).is_some();
            if is_served {
                unwritten.lease_id = None;
            }
            return Ok(is_served);
        }
        match pool.pool.journal {
            Journaling::Off => {}
            Journaling::Rollup | Journaling::Strict => self.count_lease(caller, lease, now, record),
            Journaling::Full => {
                if let Some(record) = self.live.journal.put(record(), now.boot) {
                    self.live.journal.fell_behind(now.boot);
                    self.count_lease(caller, lease, now, || record);
                }
            }
        }
        Ok(true)
    }

    fn count_lease(
        &self,
        caller: &Caller,
        lease: &Lease,
        now: Now,
        record: impl FnOnce() -> JournalRecord,
    ) {
        let key = CountKey {
            pool: lease.pool_uid,
            version: lease.version_uid,
            caller: caller.meta.uid,
        };
        let counted = (key, now.database);
        if !self.live.journal.count(counted, lease.granted, record) {
            self.live.journal.fell_behind(now.boot);
        }
    }
}

fn record(
    caller: &Caller,
    call: &LeaseKey,
    pool: &PoolEntry,
    lease: &Lease,
    now: Now,
) -> JournalRecord {
    let tags: serde_json::Map<_, _> = call
        .tags
        .pairs()
        .iter()
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    JournalRecord {
        record_time: now.database,
        pool: PoolName(pool.pool.id.clone()).to_string(),
        key: lease.key.to_string(),
        version: lease.version.into(),
        caller: CallerName(caller.id.clone()).to_string(),
        leases: 1,
        uses: lease.granted.into(),
        lease: beginning(&lease.lease_id).to_owned(),
        tags: serde_json::Value::Object(tags).to_string(),
    }
}
