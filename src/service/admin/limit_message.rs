//! A limit, as the contract has it.

use crate::domain::limit::{Dimension, Limit};
use crate::domain::name::{LimitName, OwnerName};
use crate::proto;
use crate::service::convert::{amount, duration, timestamp};

/// With the values in force.
pub(super) fn of(limit: &Limit, owner: OwnerName) -> proto::Limit {
    let terms = limit.terms();
    let name = LimitName {
        owner,
        limit: limit.id.clone(),
    };
    proto::Limit {
        name: name.to_string(),
        uid: limit.uid.to_string(),
        etag: crate::domain::key::etag(limit.rev),
        create_time: Some(timestamp(limit.create_time)),
        update_time: Some(timestamp(limit.update_time)),
        dimension: dimension(limit.dimension).into(),
        amount: amount(limit.amount),
        window: Some(proto::limit::Window::Rolling(duration(limit.window))),
        models: limit
            .models
            .iter()
            .map(|pattern| pattern.as_str().to_owned())
            .collect(),
        mode: proto::LimitMode::Enforce.into(),
        block_validity: Some(duration(terms.validity)),
        start_within: Some(duration(terms.start_within)),
        blackout_max: Some(duration(terms.blackout)),
    }
}

pub(super) const fn dimension(dimension: Dimension) -> proto::LimitDimension {
    match dimension {
        Dimension::Requests => proto::LimitDimension::Requests,
        Dimension::Tokens => proto::LimitDimension::Tokens,
        Dimension::InputTokens => proto::LimitDimension::InputTokens,
        Dimension::OutputTokens => proto::LimitDimension::OutputTokens,
    }
}
