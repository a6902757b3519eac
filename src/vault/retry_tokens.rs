//! Retry tokens: what a report advises to avoid, carried to the next lease, cumulative over attempts.

use std::time::Duration;

use super::Vault;
use crate::crypto::Purpose;
use crate::domain::caller::Caller;
use crate::domain::claims::{LeaseClaims, RetryClaims};
use crate::domain::classify::{Advice, Failure};
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::Timestamp;

/// How long a retry token is good.
const RETRY_TOKEN_TTL: Duration = Duration::from_mins(10);

impl Vault {
    /// What the retry token says to avoid.
    pub(super) fn avoided(
        &self,
        caller: &Caller,
        token: Option<&str>,
    ) -> Result<RetryClaims, LeaseRefusal> {
        let Some(token) = token else {
            return Ok(RetryClaims::nothing(caller.meta.uid));
        };
        let opened = self.ids.open(Purpose::Retry, token).ok();
        let claims = opened.and_then(|opened| RetryClaims::decode(&opened.plaintext).ok());
        let now = self.live.now().database;
        claims
            .filter(|claims| claims.caller_uid == caller.meta.uid && now < claims.ends)
            .ok_or(LeaseRefusal::RetryTokenInvalid)
    }

    /// A token that avoids what was blamed, and what the lease's own retry token avoided.
    pub(super) fn retry_token(
        &self,
        claims: &LeaseClaims,
        failure: &Failure,
        now: Timestamp,
    ) -> Option<String> {
        let blamed = match (failure.advice, failure.blame) {
            (Advice::RetryOtherKey, blame) if blame.is_of_account() => claims.account(),
            (Advice::RetryOtherKey, _) => claims.version(),
            (Advice::RetrySameLater | Advice::DoNotRetry, _) => return None,
        };
        let retry = RetryClaims {
            caller_uid: claims.caller_uid,
            ends: now.after(RETRY_TOKEN_TTL),
            avoided: claims.avoided.clone(),
        };
        self.ids.seal_retry(&retry.avoiding(blamed).encode()).ok()
    }
}
