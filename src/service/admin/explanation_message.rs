//! A choice, explained, as the contract has it.

use super::incident_message::incident;
use super::limit_message::{dimension, mode};
use super::pool_message::{estimate, strategy};
use crate::domain::explanation::{
    Choice, Explanation, KeyExplanation, KeyVerdict, LimitExplanation, Objection, What,
};
use crate::domain::hindrance::Hindrance;
use crate::domain::pool::Strategy;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::Timestamp;
use crate::proto;
use crate::service::convert::{amount, timestamp};
use crate::service::explaining::{place, sentence, why};
use crate::service::hindrance_messages;
use crate::service::reasons;
use crate::service::refusal_detail::{self, reason};
use crate::service::refusal_messages;

/// The most keys, and the most limits, of one answer: a few megabytes.
const LISTED_MAX: usize = 5_000;

/// With the message of the refusal, if a lease would be refused.
pub(super) fn of(explanation: Explanation, model: Option<String>) -> proto::ExplainLeaseResponse {
    let now = explanation.time;
    let refusal = explanation.refusal.as_ref();
    let chosen = explanation.keys.iter().find(|key| {
        matches!(key.verdict, KeyVerdict::Eligible(Choice { rank: 1, .. })) && refusal.is_none()
    });
    let reason = refusal.map(|refusal| reasons::of_lease(refusal).1);
    let keys = explanation.keys.iter().take(LISTED_MAX);
    let limits = explanation.limits.iter().take(LISTED_MAX);
    proto::ExplainLeaseResponse {
        keys: keys.map(|k| key(k, explanation.strategy, now)).collect(),
        caller: explanation.caller.to_string(),
        pool: explanation.pool.to_string(),
        model: model.unwrap_or_default(),
        estimate: Some(estimate(explanation.estimate)),
        explain_time: Some(timestamp(now)),
        replica: explanation.replica.to_string(),
        strategy: strategy(explanation.strategy).into(),
        chosen: chosen.map(name).unwrap_or_default(),
        reason: reason.map_or(0, Into::into),
        message: refusal.map_or_else(String::new, |r| refusal_messages::of_lease(r, now)),
        refusal: refusal.and_then(detail),
        limits: limits.map(|l| limit(l, now)).collect(),
        incidents: explanation.incidents.iter().map(incident).collect(),
        waiting: count(explanation.waiting),
        keys_omitted: count(explanation.keys.len().saturating_sub(LISTED_MAX)),
        limits_omitted: count(explanation.limits.len().saturating_sub(LISTED_MAX)),
    }
}

fn detail(refusal: &LeaseRefusal) -> Option<proto::LeaseRefusal> {
    let LeaseRefusal::NoKey(tally, hindrances) = refusal else {
        return None;
    };
    Some(refusal_detail::detail(tally, hindrances))
}

fn key(key: &KeyExplanation, strategy: Strategy, now: Timestamp) -> proto::KeyExplanation {
    let message = proto::KeyExplanation {
        key: name(key),
        tier: count(key.tier),
        weight: count(key.weight),
        version: count(key.version.unwrap_or(0)),
        recent_uses: amount(key.recent),
        ..Default::default()
    };
    match &key.verdict {
        KeyVerdict::Eligible(choice) => proto::KeyExplanation {
            eligible: true,
            reasons: vec![place(key, *choice, strategy)],
            rank: count(choice.rank),
            canary: choice.is_canary,
            ..message
        },
        KeyVerdict::Refused(refused) => {
            let objections = refused.objections.iter();
            proto::KeyExplanation {
                reasons: objections.clone().map(|o| sentence(o, now)).collect(),
                reason: reason(refused.refusal).into(),
                retry_time: refused.retry.map(timestamp),
                objections: objections.map(objection).collect(),
                ..message
            }
        }
    }
}

/// By name, as far as that is known.
fn name(key: &KeyExplanation) -> String {
    let name = key.key.as_ref().map(ToString::to_string);
    let account = || key.account.as_ref().map(ToString::to_string);
    name.or_else(account).unwrap_or_default()
}

fn objection(objection: &Objection) -> proto::KeyObjection {
    let resource = match &objection.what {
        What::Named(Hindrance::Limit(limit)) => limit.name.to_string(),
        What::Named(Hindrance::Ailing { resource, .. } | Hindrance::Disabled { resource, .. }) => {
            resource.clone()
        }
        What::CanaryOut(_)
        | What::SealedElsewhere { .. }
        | What::MasterKeyMissing(_)
        | What::Plain => String::new(),
    };
    proto::KeyObjection {
        reason: reason(objection.refusal).into(),
        until: objection.until.map(timestamp),
        resource,
        why: why(&objection.what),
    }
}

fn limit(explained: &LimitExplanation, now: Timestamp) -> proto::LimitExplanation {
    let refusal = explained.refusal.as_ref();
    let clears = refusal.and_then(|hindrance| match hindrance {
        Hindrance::Limit(limit) => limit.clears,
        Hindrance::Ailing { .. } | Hindrance::Disabled { .. } => None,
    });
    proto::LimitExplanation {
        limit: explained.name.to_string(),
        dimension: dimension(explained.limit.dimension).into(),
        amount: amount(explained.limit.amount),
        mode: mode(explained.limit.mode).into(),
        model: explained.model.clone().unwrap_or_default(),
        needed: amount(explained.needed),
        at_hand: amount(explained.at_hand),
        remaining: explained.remaining.map(amount),
        slot_left: explained.offline.map(amount),
        reason: refusal.map_or(0, |hindrance| reason(hindrance.refusal()).into()),
        free_time: clears.map(timestamp),
        description: refusal.map_or_else(String::new, |h| hindrance_messages::sentence(h, now)),
        shadow_over: explained.is_over,
    }
}

/// A count of the contract.
fn count<N: TryInto<i32>>(value: N) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}
