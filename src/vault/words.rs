//! What a caller's word is worth: against a key, against an account, and of a budget.

use super::Vault;
use crate::domain::claims::LeaseClaims;
use crate::domain::classify::{Blame, Failure};
use crate::domain::cooling::Weight;
use crate::domain::health::FailureClass;
use crate::domain::judged::Judged;
use crate::domain::pool::{HealthPolicy, VerdictPolicy};
use crate::domain::time::Timestamp;
use crate::domain::transition::Who;
use crate::domain::vitals::Word;
use crate::live::snapshot::AccountEntry;

impl Vault {
    /// What it is worth when this caller says that a budget is spent: `None` where it has been wrong so often lately that its word cools
    /// nothing that others use.
    pub(super) fn weight(&self, claims: &LeaseClaims, now: Timestamp) -> Option<Weight> {
        let snapshot = self.live.glance();
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let policy = pool.map_or_else(HealthPolicy::default, |p| p.pool.health_policy);
        if policy.verdicts == VerdictPolicy::Trust {
            return Some(Weight::Proven);
        }
        let by = claims.caller_uid;
        (!self.live.is_doubted(by, now)).then(|| Weight::Alleged {
            by,
            given: claims.given,
            quarantine: policy.quarantine(),
        })
    }

    /// The rules that a word is judged by: where another caller has said of another key that the account is closed, it is confirmed.
    pub(super) fn seconded(
        &self,
        account: &AccountEntry,
        claims: &LeaseClaims,
        outcome: &Judged,
        policy: HealthPolicy,
        now: Timestamp,
    ) -> HealthPolicy {
        let by = claims.caller_uid;
        let is_closing = outcome.failure().is_some_and(is_closing);
        let is_confirmed = is_closing
            && !self.live.is_doubted(by, now)
            && account.live.is_said_closed_by_another(by, now);
        if !is_confirmed {
            return policy;
        }
        HealthPolicy {
            verdicts: VerdictPolicy::Trust,
            ..policy
        }
    }

    /// What the caller's word against a key is worth; that of other failures is not asked for.
    pub(super) fn word(&self, claims: &LeaseClaims, failure: &Failure, now: Timestamp) -> Word {
        Word {
            by: claims.caller_uid,
            is_canary: claims.is_canary,
            is_doubted: failure.class == FailureClass::Credential
                && self.live.is_doubted(claims.caller_uid, now),
        }
    }

    /// Why a version is as it is: of a verdict on its secret also by whose word.
    pub(super) fn why(&self, who: Who, failure: &Failure, why: &str) -> String {
        let class = failure.class.as_str();
        if failure.class == FailureClass::Credential {
            return format!("{class} ({why}), by {}", self.name_of(who));
        }
        format!("{class} ({why})")
    }
}

/// Whether it says that the whole account is no good.
pub(super) fn is_closing(failure: &Failure) -> bool {
    failure.class == FailureClass::Credential && failure.blame == Blame::Account
}
