//! A limit, as the contract has it.

use super::offline_share;
use crate::domain::calendar::{Calendar, Period};
use crate::domain::distrust::Distrust;
use crate::domain::limit::{Dimension, Limit, Mode, UnreadLimit};
use crate::domain::name::{LimitName, OwnerName};
use crate::domain::terms::Span;
use crate::proto;
use crate::proto::limit::Window;
use crate::service::convert::{amount, distrust, duration, timestamp};

/// With the values in force.
pub(super) fn of(limit: &Limit, owner: OwnerName) -> proto::Limit {
    let terms = limit.terms();
    let name = LimitName {
        owner,
        limit: limit.id.clone(),
    };
    let (window, longest) = match limit.span {
        Span::Rolling(window) => (Some(Window::Rolling(duration(window))), None),
        Span::Calendar(window) => (Some(Window::Calendar(calendar(window))), None),
        Span::Held(longest) => (None, Some(duration(longest))),
    };
    proto::Limit {
        name: name.to_string(),
        uid: limit.uid.to_string(),
        etag: crate::domain::key::etag(limit.rev),
        create_time: Some(timestamp(limit.create_time)),
        update_time: Some(timestamp(limit.update_time)),
        dimension: dimension(limit.dimension).into(),
        amount: amount(limit.amount),
        window,
        models: limit
            .models
            .iter()
            .map(|pattern| pattern.as_str().to_owned())
            .collect(),
        mode: mode(limit.mode).into(),
        block_validity: Some(duration(terms.validity)),
        start_within: Some(duration(terms.start_within)),
        blackout_max: Some(duration(terms.blackout)),
        lease_duration_max: longest,
        offline_share: limit.offline.as_ref().map(offline_share::of),
        distrust: None,
    }
}

/// The same, or as much as is known of one that cannot be read.
pub(super) fn of_read(limit: &Result<Limit, UnreadLimit>, owner: OwnerName) -> proto::Limit {
    let unread = match limit {
        Ok(limit) => return of(limit, owner),
        Err(unread) => unread,
    };
    proto::Limit {
        name: format!("{owner}/limits/{}", unread.id),
        uid: unread.uid.to_string(),
        etag: crate::domain::key::etag(unread.rev),
        distrust: Some(distrust(&Distrust::unreadable(&unread.why))),
        ..proto::Limit::default()
    }
}

fn calendar(calendar: Calendar) -> proto::CalendarWindow {
    let period = match calendar.period {
        Period::Day => proto::CalendarPeriod::Day,
        Period::Month => proto::CalendarPeriod::Month,
    };
    proto::CalendarWindow {
        period: period.into(),
        time_zone: calendar.zone.as_str().to_owned(),
    }
}

pub(super) const fn mode(mode: Mode) -> proto::LimitMode {
    match mode {
        Mode::Enforce => proto::LimitMode::Enforce,
        Mode::Shadow => proto::LimitMode::Shadow,
    }
}

pub(super) const fn dimension(dimension: Dimension) -> proto::LimitDimension {
    match dimension {
        Dimension::Requests => proto::LimitDimension::Requests,
        Dimension::Tokens => proto::LimitDimension::Tokens,
        Dimension::InputTokens => proto::LimitDimension::InputTokens,
        Dimension::OutputTokens => proto::LimitDimension::OutputTokens,
        Dimension::CostMicros => proto::LimitDimension::CostMicros,
        Dimension::Concurrency => proto::LimitDimension::Concurrency,
    }
}
