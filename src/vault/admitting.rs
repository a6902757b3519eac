//! What has to hold at the moment when a secret goes out: however long its call has waited, or its lease, for a record.

use std::sync::Arc;

use uuid::Uuid;

use super::Vault;
use super::lease_key::{Lease, LeaseKey};
use crate::domain::caller::Bearer;
use crate::domain::disablement::is_disabled;
use crate::domain::health::Health;
use crate::domain::refusal::LeaseRefusal;
use crate::live::choose::Now;
use crate::live::credential::Credential;
use crate::live::snapshot::PoolEntry;

/// What a lease is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of {
    pub(super) pool_uid: Uuid,
    pub(super) account_uid: Uuid,
    pub(super) version_uid: Uuid,
}

impl Lease {
    pub(super) const fn of(&self) -> Of {
        Of {
            pool_uid: self.pool_uid,
            account_uid: self.account_uid,
            version_uid: self.version_uid,
        }
    }
}

impl Vault {
    /// The pool, if this replica serves and the caller may lease from it: as things stand now, since it may have waited for long.
    pub(super) fn admit(
        &self,
        bearer: &Bearer,
        call: &LeaseKey,
        now: Now,
    ) -> Result<Arc<PoolEntry>, LeaseRefusal> {
        if self.live.is_draining() {
            return Err(LeaseRefusal::Draining);
        }
        let snapshot = self.live.fresh_snapshot(now.boot);
        let snapshot = snapshot.ok_or(LeaseRefusal::SnapshotStale)?;
        let caller = snapshot.still(bearer, now.database);
        let caller = caller.ok_or(LeaseRefusal::TokenRejected)?;
        let pool = snapshot.pool_for(caller, &call.pool)?;
        if let Some(disablement) = &pool.pool.disablement
            && is_disabled(Some(disablement), now.database)
        {
            return Err(LeaseRefusal::PoolDisabled {
                why: disablement.why.clone(),
                until: disablement.until,
            });
        }
        let account = call.account.as_ref();
        if account.is_some_and(|account| !pool.has_account(account)) {
            return Err(LeaseRefusal::AccountNotInPool);
        }
        Ok(Arc::clone(pool))
    }

    /// The secret of a lease, unless it left the pool or the account, or was rotated, disabled or found dead meanwhile.
    pub(super) fn still_served(&self, pool: &PoolEntry, of: Of, now: Now) -> Option<Credential> {
        let snapshot = self.live.glance();
        let account = snapshot.accounts.get(&of.account_uid)?;
        let version = snapshot.versions.get(&of.version_uid)?;
        let disablements = [&account.account.disablement, &version.key.disablement];
        let is_out = disablements
            .iter()
            .any(|d| is_disabled(d.as_ref(), now.database));
        let is_dead = matches!(version.live.health(now.database), Health::Dead(cause) if now.database < cause.until);
        let is_of_pool = pool.pool.meta.uid == of.pool_uid && pool.serves(version);
        // The limits of another account have not been asked.
        let is_of_account = version.key.account_uid == of.account_uid;
        let is_served = is_of_pool && is_of_account && !is_out && !is_dead;
        version.credential.clone().filter(|_| is_served)
    }
}
