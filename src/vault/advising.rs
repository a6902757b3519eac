//! What a caller does next after a failure: another key is advised only where one can serve.

use super::Vault;
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Advice, Blame, Failure};
use crate::domain::health::FailureClass;
use crate::domain::time::Timestamp;
use crate::live::choose::Now;
use crate::live::clock::boot_now;
use crate::live::serving::soonest;
use crate::live::snapshot::{Candidate, Run};

impl Vault {
    /// Another key is advised only where the pool has one that can serve now, outside of what is blamed, now and by the reports before;
    /// else the same later, when the first key of the pool clears. Permits are left aside: for those a call can wait.
    pub(super) fn advise(
        &self,
        claims: &LeaseClaims,
        mut failure: Failure,
        now: Timestamp,
    ) -> Failure {
        if failure.advice != Advice::RetryOtherKey && failure.blame != Blame::Provider {
            return failure;
        }
        let snapshot = self.live.snapshot();
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let runs = pool
            .iter()
            .flat_map(|pool| &pool.tiers)
            .flat_map(|tier| &tier.runs);
        let model = (!claims.model.is_empty()).then_some(claims.model.as_str());
        let clocks = Now {
            boot: boot_now(),
            database: now,
        };
        if failure.blame == Blame::Provider {
            // Where its breaker is open, the same is worth trying when it is not, or at another provider of the pool.
            let all = runs.filter_map(|run| run.serves_at(model, clocks, |_| true));
            let after = soonest(all, now).map(|at| at.since(now));
            let after = after.filter(|after| !after.is_zero());
            failure.retry_after = after.max(failure.retry_after);
            return failure;
        }
        let other = other_at(runs.clone(), claims, &failure, clocks);
        if other.is_some_and(|at| at <= now) {
            return failure;
        }
        // To wait for the key itself helps no request that it is not entitled to.
        let first = if failure.class == FailureClass::ModelAccess {
            if other.is_none() {
                failure.advice = Advice::DoNotRetry;
                return failure;
            }
            other
        } else {
            let all = runs.filter_map(|run| run.serves_at(model, clocks, |_| true));
            soonest(all, now)
        };
        let clears = first
            .map(|at| at.since(now))
            .filter(|after| !after.is_zero());
        failure.advice = Advice::RetrySameLater;
        failure.retry_after = clears.or(failure.retry_after);
        failure
    }
}

/// When the first key can serve that is outside of what is blamed, now and by the reports before. An account is left out as a whole: a pool
/// of one account has many keys, and nobody asks for each.
fn other_at<'a>(
    runs: impl Iterator<Item = &'a Run>,
    claims: &LeaseClaims,
    failure: &Failure,
    now: Now,
) -> Option<Timestamp> {
    let model = (!claims.model.is_empty()).then_some(claims.model.as_str());
    let is_other = |c: &Candidate| is_outside(c, claims, failure) && !c.is_avoided(&claims.avoided);
    let others = runs.filter(|run| {
        let account = &run.account;
        let is_blamed =
            failure.blame.is_of_account() && account.account.meta.uid == claims.account_uid;
        !is_blamed && !account.is_avoided(&claims.avoided)
    });
    let others = others.filter_map(|run| run.serves_at(model, now, is_other));
    soonest(others, now.database)
}

/// Of the accounts that are left: not the key that is blamed.
fn is_outside(candidate: &Candidate, claims: &LeaseClaims, failure: &Failure) -> bool {
    let version = candidate.version.as_ref();
    failure.blame.is_of_account()
        || version.is_some_and(|v| v.version.meta.uid != claims.version_uid)
}
