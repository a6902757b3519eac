//! The counts of a refused lease, as the contract has them.

use super::convert::timestamp;
use super::hindrance_messages;
use crate::domain::hindrance::Hindrance;
use crate::domain::refusal::{KeyRefusal, Tally};
use crate::proto;

/// The counts, for programs, and of what cools down, is dead or disabled, what clears first.
pub(super) fn detail(tally: &Tally, hindrances: &[Hindrance]) -> proto::LeaseRefusal {
    let refused = tally.reasons().iter().map(|counted| {
        let mut hindrances = hindrances.iter();
        let first = hindrances.find(|h| h.refusal() == counted.refusal);
        let (resource, why) = first.map(hindrance_messages::cause).unwrap_or_default();
        proto::RefusedKeys {
            reason: reason(counted.refusal).into(),
            count: i32::try_from(counted.count).unwrap_or(i32::MAX),
            retry_time: counted.retry.map(timestamp),
            resource,
            why,
        }
    });
    proto::LeaseRefusal {
        refused: refused.collect(),
        retry_time: tally.retry().map(timestamp),
    }
}

/// A reason of the contract.
pub(super) const fn reason(refusal: KeyRefusal) -> proto::RefusalReason {
    match refusal {
        KeyRefusal::Limit => proto::RefusalReason::Limit,
        KeyRefusal::Frozen => proto::RefusalReason::Frozen,
        KeyRefusal::Unreachable => proto::RefusalReason::Unreachable,
        KeyRefusal::Cooling => proto::RefusalReason::Cooling,
        KeyRefusal::Provider => proto::RefusalReason::Provider,
        KeyRefusal::Dead => proto::RefusalReason::Dead,
        KeyRefusal::Avoided => proto::RefusalReason::Avoided,
        KeyRefusal::Disabled => proto::RefusalReason::Disabled,
        KeyRefusal::Tampered => proto::RefusalReason::Tampered,
        KeyRefusal::LimitUnread => proto::RefusalReason::LimitUnread,
        KeyRefusal::Undecryptable => proto::RefusalReason::Undecryptable,
        KeyRefusal::NoVersion => proto::RefusalReason::NoVersion,
        KeyRefusal::Model => proto::RefusalReason::Model,
        KeyRefusal::TooLarge => proto::RefusalReason::TooLarge,
        KeyRefusal::ModelRequired => proto::RefusalReason::ModelRequired,
        KeyRefusal::CostRequired => proto::RefusalReason::CostRequired,
    }
}
