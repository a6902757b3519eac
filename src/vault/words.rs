//! What a caller's word is worth: against a key, against an account, and of a budget.

use super::Vault;
use super::blaming::is_counted;
use crate::domain::accusers::Matter;
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
        (!self.live.is_doubted(by, Matter::Budget, now)).then(|| Weight::Alleged {
            by,
            given: claims.given,
            quarantine: policy.quarantine(),
        })
    }

    /// A caller whose word counts says that a quota is spent: whoever has just found that it is not has done so in vain.
    pub(super) fn contradict(&self, claims: &LeaseClaims, failure: &Failure, now: Timestamp) {
        if failure.class != FailureClass::Quota {
            return;
        }
        let is_of_key = matches!(failure.blame, Blame::Key | Blame::KeyModel);
        let subject = if is_of_key {
            claims.version_uid
        } else {
            claims.account_uid
        };
        let by = claims.caller_uid;
        self.live.contradicts(subject, Matter::Budget, by, now);
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
            && !self.live.is_doubted(by, Matter::Key, now)
            && account.live.is_said_closed_by_another(by, now);
        if !is_confirmed {
            return policy;
        }
        HealthPolicy {
            verdicts: VerdictPolicy::Trust,
            ..policy
        }
    }

    /// What the caller's word against a key is worth.
    pub(super) fn word(&self, claims: &LeaseClaims, failure: &Failure, now: Timestamp) -> Word {
        let matter = Matter::of(failure.class);
        Word {
            by: claims.caller_uid,
            is_canary: claims.is_canary,
            is_doubted: self.live.is_doubted(claims.caller_uid, matter, now),
        }
    }

    /// Why a version is as it is: of what one caller's word alone may come to also by whose word.
    pub(super) fn why(&self, who: Who, failure: &Failure, why: &str) -> String {
        let class = failure.class.as_str();
        if failure.class == FailureClass::Credential || is_counted(failure) {
            return format!("{class} ({why}), by {}", self.name_of(who));
        }
        format!("{class} ({why})")
    }
}

/// Whether it says that the whole account is no good.
pub(super) fn is_closing(failure: &Failure) -> bool {
    failure.class == FailureClass::Credential && failure.blame == Blame::Account
}
