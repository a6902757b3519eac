//! What providers state of their limits, and the policy of an account about it.

use super::{Admin, Answer, limit_message};
use crate::domain::account::LearnedLimits;
use crate::domain::field::{FieldError, Parsed};
use crate::domain::name::{AccountName, LimitName, OwnerName};
use crate::proto;
use crate::proto::LearnedLimitsPolicy;
use crate::service::auth::Identity;
use crate::service::convert::{amount, duration, timestamp};
use crate::vault::LearnedView;

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListLearnedLimitsRequest,
) -> Answer<proto::ListLearnedLimitsResponse> {
    let name = AccountName::parse("parent", &request.parent)?;
    let views = admin.vault.list_learned_limits(&name).await?;
    Ok(proto::ListLearnedLimitsResponse {
        learned_limits: views.into_iter().map(learned).collect(),
    })
}

/// Parses the policy.
pub(super) fn policy(value: i32) -> Parsed<LearnedLimits> {
    match LearnedLimitsPolicy::try_from(value) {
        Ok(LearnedLimitsPolicy::Unspecified | LearnedLimitsPolicy::Alert) => {
            Ok(LearnedLimits::Alert)
        }
        Ok(LearnedLimitsPolicy::Adopt) => Ok(LearnedLimits::Adopt),
        Err(_) => Err(FieldError::new("learned_limits", "must be ALERT or ADOPT")),
    }
}

/// The policy on the wire.
pub(super) const fn message(policy: LearnedLimits) -> LearnedLimitsPolicy {
    match policy {
        LearnedLimits::Alert => LearnedLimitsPolicy::Alert,
        LearnedLimits::Adopt => LearnedLimitsPolicy::Adopt,
    }
}

fn learned(view: LearnedView) -> proto::LearnedLimit {
    let learned = view.learned;
    let name = |id| {
        let owner = OwnerName::Account(view.account.clone());
        LimitName { owner, limit: id }.to_string()
    };
    let configured = view.limit.as_ref();
    proto::LearnedLimit {
        account: AccountName(view.account.clone()).to_string(),
        dimension: limit_message::dimension(learned.budget.dimension).into(),
        amount: amount(learned.amount),
        window: Some(duration(learned.budget.window)),
        first_seen_time: Some(timestamp(learned.first_seen)),
        last_seen_time: Some(timestamp(learned.last_seen)),
        callers: i32::try_from(learned.witnesses.len()).unwrap_or(i32::MAX),
        configured_amount: configured.map_or(0, |limit| amount(limit.amount)),
        limit: configured
            .map(|limit| name(limit.id.clone()))
            .unwrap_or_default(),
        model: learned.budget.model,
    }
}
