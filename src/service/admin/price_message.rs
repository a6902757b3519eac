//! Prices, as the contract has them.

use crate::domain::key::etag;
use crate::domain::prices::built_in::{self, Listed, Table};
use crate::domain::prices::{OperatorPrice, Price};
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::proto;
use crate::service::convert::{amount, timestamp};

/// A price that was set; `newest` is the revision of the one that was set last for its profile and model.
pub(super) fn of_operator(set: &OperatorPrice, newest: i64, in_force: bool) -> proto::Price {
    proto::Price {
        profile: set.profile.as_str().to_owned(),
        model: set.model.as_str().to_owned(),
        effective_time: Some(timestamp(set.effective)),
        origin: proto::PriceOrigin::Operator.into(),
        deleted: set.price.is_none(),
        in_force,
        create_time: Some(timestamp(set.create_time)),
        set_by: set.by.clone(),
        etag: etag(newest),
        ..set.price.map(micros).unwrap_or_default()
    }
}

/// Prices that were set, in the order in which they come: by profile, model and time. Without `history`, those that hold or will.
pub(super) fn set(all: &[OperatorPrice], history: bool, now: Timestamp) -> Vec<proto::Price> {
    let of_one_model = all.chunk_by(|a, b| a.profile == b.profile && a.model == b.model);
    let messages = of_one_model.flat_map(|prices| {
        let in_force = prices.iter().rposition(|price| price.effective <= now);
        let newest = prices.iter().map(|price| price.rev).max().unwrap_or(0);
        prices.iter().enumerate().filter_map(move |(i, price)| {
            let is_in_force = in_force == Some(i);
            let is_past = in_force.is_some_and(|at| i < at);
            let is_shown = history || !(is_past || is_in_force && price.price.is_none());
            is_shown.then(|| of_operator(price, newest, is_in_force))
        })
    });
    messages.collect()
}

/// The built-in prices of a profile and a model; none: of all.
pub(super) fn built_in(profile: Option<Profile>, model: Option<&str>) -> Vec<proto::Price> {
    let Ok(table) = built_in::table() else {
        return Vec::new();
    };
    let wanted = |listed: &&Listed| profile.is_none() || listed.profile == profile;
    let providers = table.providers.iter().filter(wanted);
    let messages = providers.flat_map(|listed| of_listed(table, listed, model));
    let mut messages: Vec<_> = messages.collect();
    messages.sort_by(|a, b| {
        let place = |p: &proto::Price| (p.profile.clone(), p.provider.clone(), p.model.clone());
        place(a).cmp(&place(b))
    });
    messages
}

fn of_listed<'a>(
    table: &'a Table,
    listed: &'a Listed,
    model: Option<&'a str>,
) -> impl Iterator<Item = proto::Price> + 'a {
    let models = listed.models.iter();
    let wanted = models.filter(move |(name, _)| model.is_none_or(|model| model == *name));
    wanted.map(|(name, price)| proto::Price {
        profile: listed
            .profile
            .map(Profile::as_str)
            .unwrap_or_default()
            .to_owned(),
        model: name.clone(),
        effective_time: Some(timestamp(table.date)),
        origin: proto::PriceOrigin::BuiltIn.into(),
        provider: listed.name.clone(),
        source: listed.source.clone(),
        in_force: true,
        ..micros(*price)
    })
}

fn micros(price: Price) -> proto::Price {
    proto::Price {
        input_micros: amount(price.input),
        cached_input_micros: price.cached_input.map(amount),
        output_micros: amount(price.output),
        ..Default::default()
    }
}
