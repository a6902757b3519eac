//! LeaseKey with a request id: the same call sent again is answered with the same lease, as long as that can be started.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep_until;
use uuid::Uuid;

use super::Vault;
use super::admitting::Of;
use super::lease_key::{Lease, LeaseKey};
use super::patience::{COLD_WAIT_MAX, instant};
use crate::crypto::Purpose;
use crate::domain::caller::Bearer;
use crate::domain::claims::LeaseClaims;
use crate::domain::name::{AccountName, KeyName};
use crate::domain::refusal::LeaseRefusal;
use crate::domain::replay::Bounds;
use crate::live::clock::boot_now;

/// A call without a deadline waits for another that asks the same as long as that may wait.
const ASIDE_MAX: Duration = Duration::from_mins(2);

/// A lease that was given for a request id: all of it but the secret, which is looked up again, since it may have been taken out.
#[derive(Debug)]
pub(super) struct Given {
    lease_id: String,
    granted: u32,
    key: KeyName,
    account: AccountName,
    pool_uid: Uuid,
    account_uid: Uuid,
    version: u32,
    version_uid: Uuid,
    model: String,
    bounds: Bounds,
    is_canary: bool,
}

impl LeaseKey {
    /// The same call sent again may wait longer or shorter.
    fn asks_the_same(&self, other: &Self) -> bool {
        let other = Self {
            max_wait: self.max_wait,
            received: self.received,
            deadline: self.deadline,
            ..other.clone()
        };
        *self == other
    }
}

impl Vault {
    /// Leases a key once for a request id. Of calls that come at the same time one leases, and the others wait for it.
    pub(super) async fn lease_once(
        &self,
        bearer: &Bearer,
        call: &LeaseKey,
        id: &str,
    ) -> Result<Lease, LeaseRefusal> {
        let answered_by = call.received.after(call.max_wait.max(COLD_WAIT_MAX));
        let slot = self
            .replays
            .slot(
                bearer.caller.meta.uid,
                id,
                || call.clone(),
                answered_by,
                boot_now(),
            )
            .map_err(|_| LeaseRefusal::TooManyRequestIds)?;
        if !slot.asked.asks_the_same(call) {
            return Err(LeaseRefusal::RequestIdReused);
        }
        let is_first = AtomicBool::new(false);
        let lease = async {
            is_first.store(true, Ordering::Relaxed);
            let given = Given::new(&self.lease_anew(bearer, call).await?, call);
            slot.is_useful_until(given.bounds.starts_by);
            Ok(given)
        };
        let until = call.deadline.unwrap_or(call.received.after(ASIDE_MAX));
        let given = tokio::select! {
            given = slot.given.get_or_try_init(|| lease) => given?,
            () = sleep_until(instant(until)) => return Err(LeaseRefusal::Deadline),
            () = self.live.drained(), if !slot.given.initialized() => return Err(LeaseRefusal::Draining),
        };
        if !is_first.load(Ordering::Relaxed) {
            self.may_be_given_again(given)?;
        }
        self.rest_of(bearer, call, given)
    }

    /// A lease on which anything was reported is not given again.
    fn may_be_given_again(&self, given: &Given) -> Result<(), LeaseRefusal> {
        let opened = self.ids.open(Purpose::Lease, &given.lease_id);
        let opened = opened.map_err(|_| LeaseRefusal::RequestIdSpent)?;
        let claims = LeaseClaims::decode(&opened.plaintext);
        let claims = claims.map_err(|_| LeaseRefusal::RequestIdSpent)?;
        let (caller, serial, now) = (claims.caller_uid, opened.serial, boot_now());
        // It holds its version until then, whatever it drew.
        let until = given.bounds.reports_by;
        let reports = self.live.reports_of(self.live.boot_id);
        match self
            .replayed
            .give_again(caller, serial, &reports, until, now)
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(LeaseRefusal::RequestIdSpent),
            Err(_) => Err(LeaseRefusal::TooManyRequestIds),
        }
    }

    /// Gives what is left of a lease, if its caller and its key may still be served: the key from the very pool, not one of the same name.
    fn rest_of(
        &self,
        bearer: &Bearer,
        call: &LeaseKey,
        given: &Given,
    ) -> Result<Lease, LeaseRefusal> {
        let now = self.live.now();
        let pool = self.admit(bearer, call, now)?;
        let left = given.bounds.left(call.received);
        let left = left.ok_or(LeaseRefusal::RequestIdSpent)?;
        let credential = self.still_served(&pool, given.of(), now);
        Ok(Lease {
            lease_id: given.lease_id.clone(),
            granted: given.granted,
            key: given.key.clone(),
            account: given.account.clone(),
            pool_uid: given.pool_uid,
            account_uid: given.account_uid,
            version_uid: given.version_uid,
            version: given.version,
            credential: credential.ok_or(LeaseRefusal::RequestIdSpent)?,
            model: given.model.clone(),
            start_within: left.start_within,
            report_within: left.report_within,
            is_canary: given.is_canary,
        })
    }
}

impl Given {
    const fn of(&self) -> Of {
        Of {
            pool_uid: self.pool_uid,
            account_uid: self.account_uid,
            version_uid: self.version_uid,
        }
    }

    fn new(lease: &Lease, call: &LeaseKey) -> Self {
        Self {
            lease_id: lease.lease_id.clone(),
            granted: lease.granted,
            key: lease.key.clone(),
            account: lease.account.clone(),
            pool_uid: lease.pool_uid,
            account_uid: lease.account_uid,
            version: lease.version,
            version_uid: lease.version_uid,
            model: lease.model.clone(),
            bounds: Bounds::new(call.received, lease.start_within, lease.report_within),
            is_canary: lease.is_canary,
        }
    }
}
