//! The RPCs about prices.

use super::faults::Faults;
use super::mutation::change;
use super::{Admin, Answer, price_message};
use crate::domain::field::{FieldError, Parsed, bounded, required_text, text};
use crate::domain::models::{MODEL_BYTES_MAX, Pattern};
use crate::domain::prices::{PRICE_MAX, Price};
use crate::domain::profile::Profile;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::parse_timestamp;
use crate::vault::{Page, SetPrice};

pub(super) async fn set(
    admin: &Admin,
    identity: &Identity,
    request: proto::SetPriceRequest,
) -> Answer<proto::SetPriceResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let message = request.price.unwrap_or_default();
    let key = key(
        &mut faults,
        "price.",
        &message.profile,
        message.model.clone(),
    );
    let price = price(&mut faults, &message);
    let effective = message.effective_time.as_ref();
    let effective = effective.map(|time| parse_timestamp("price.effective_time", time));
    let effective = faults.take(effective.transpose());
    let whole = || {
        let (profile, model) = key?;
        Some(SetPrice {
            profile,
            model,
            price: Some(price?),
            effective: effective?,
            etag: request.etag,
        })
    };
    let verb = faults.finish(whole())?;
    let set = admin.vault.change(change, verb).await?;
    // The newest by revision, and so what an etag is compared with.
    let now = admin.vault.live().now().database.max(set.create_time);
    let is_in_force = set.effective <= now;
    Ok(proto::SetPriceResponse {
        price: Some(price_message::of_operator(&set, set.rev, is_in_force)),
    })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeletePriceRequest,
) -> Answer<proto::DeletePriceResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let key = key(&mut faults, "", &request.profile, request.model);
    let effective = request.effective_time.as_ref();
    let effective = effective.map(|time| parse_timestamp("effective_time", time));
    let effective = faults.take(effective.transpose());
    let ((profile, model), effective) = faults.finish(key.zip(effective))?;
    let verb = SetPrice {
        profile,
        model,
        price: None,
        effective,
        etag: request.etag,
    };
    admin.vault.change(change, verb).await?;
    Ok(proto::DeletePriceResponse {})
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListPricesRequest,
) -> Answer<proto::ListPricesResponse> {
    let mut faults = Faults::default();
    let origin = faults.take(
        proto::PriceOrigin::try_from(request.origin)
            .map_err(|_| FieldError::new("origin", "must be a value of PriceOrigin")),
    );
    let profile = Some(request.profile.as_str()).filter(|profile| !profile.is_empty());
    let profile = profile.map(|profile| Profile::parse("profile", profile));
    let profile = faults.take(profile.transpose());
    let model = faults.take(text("model", request.model.clone(), MODEL_BYTES_MAX));
    let page = faults.take(Page::parse(
        admin.vault.keys(),
        &[
            "ListPrices",
            &request.profile,
            &request.model,
            &format!("{} {}", request.origin, request.history),
        ],
        request.page_size,
        &request.page_token,
    ));
    let whole = || Some((origin?, profile?, model?, page?));
    let (origin, profile, model, page) = faults.finish(whole())?;
    let model = Some(model.as_str()).filter(|model| !model.is_empty());
    let mut listed = Vec::new();
    if origin != proto::PriceOrigin::BuiltIn {
        let set = admin.vault.list_prices(profile, model).await?;
        let now = admin.vault.live().now().database;
        listed = price_message::set(&set, request.history, now);
    }
    if origin != proto::PriceOrigin::Operator {
        listed.extend(price_message::built_in(profile, model));
    }
    // Both parts are in order already, and the tables are small enough to be cut here.
    let mut rows: Vec<_> = listed.iter().map(|p| (place(p), p)).collect();
    rows.retain(|(place, _)| {
        page.slice()
            .after
            .is_none_or(|after| place.as_str() > after)
    });
    let next_page_token = page.cut(admin.vault.keys(), &mut rows, |(place, _)| place.clone());
    Ok(proto::ListPricesResponse {
        prices: rows.into_iter().map(|(_, price)| price.clone()).collect(),
        next_page_token,
    })
}

/// Where a price stands in the list, as a text that sorts so.
fn place(price: &proto::Price) -> String {
    let time = |time: Option<prost_types::Timestamp>| {
        let time = time.unwrap_or_default();
        format!("{:020}.{:09}", time.seconds, time.nanos)
    };
    let (from, set) = (time(price.effective_time), time(price.create_time));
    let (profile, provider, model) = (&price.profile, &price.provider, &price.model);
    format!(
        "{}\0{profile}\0{provider}\0{model}\0{from}\0{set}",
        price.origin
    )
}

fn key(
    faults: &mut Faults,
    parent: &str,
    profile: &str,
    model: String,
) -> Option<(Profile, Pattern)> {
    let field = |name: &str| format!("{parent}{name}");
    let profile = faults.take(Profile::parse(&field("profile"), profile));
    let model = required_text(&field("model"), model, MODEL_BYTES_MAX);
    let model: Parsed<Pattern> = model.and_then(|m| Pattern::parse(&field("model"), &m));
    profile.zip(faults.take(model))
}

fn price(faults: &mut Faults, message: &proto::Price) -> Option<Price> {
    let max = PRICE_MAX.cast_signed();
    let mut part = |name: &str, value: i64, max: i64| {
        let value = bounded(&format!("price.{name}"), value, 0, max);
        faults.take(value).map(i64::unsigned_abs)
    };
    let input = part("input_micros", message.input_micros, max);
    let cached_max = message.input_micros.clamp(0, max);
    let cached = message.cached_input_micros;
    let cached = cached.map(|cached| part("cached_input_micros", cached, cached_max));
    let output = part("output_micros", message.output_micros, max);
    Some(Price {
        input: input?,
        cached_input: match cached {
            Some(cached) => Some(cached?),
            None => None,
        },
        output: output?,
    })
}
