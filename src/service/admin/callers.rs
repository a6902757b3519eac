//! The RPCs about callers.

use super::faults::Faults;
use super::mutation::change;
use super::{Admin, Answer, caller_message, parse_caller};
use crate::domain::caller::Caller;
use crate::domain::field::FieldErrors;
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::name::CallerName;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::parse_word;
use crate::service::mask::Mask;
use crate::vault::{CreateCaller, DeleteCaller, DisableCaller, EnableCaller, Page, UpdateCaller};

pub(super) async fn create(
    admin: &Admin,
    identity: &Identity,
    request: proto::CreateCallerRequest,
) -> Answer<proto::CreateCallerResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let id = faults.take(Id::parse("caller_id", &request.caller_id));
    let draft = parse_caller::draft(&mut faults, request.caller.unwrap_or_default(), |_| true);
    let verb = faults.finish(id.map(|id| CreateCaller { id, draft }))?;
    let caller = admin.vault.change(change, verb).await?;
    Ok(proto::CreateCallerResponse {
        caller: answer(caller),
    })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetCallerRequest,
) -> Answer<proto::GetCallerResponse> {
    let name = CallerName::parse("name", &request.name)?;
    let caller = admin.vault.get_caller(&name).await?;
    Ok(proto::GetCallerResponse {
        caller: answer(caller),
    })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListCallersRequest,
) -> Answer<proto::ListCallersResponse> {
    let mut errors = FieldErrors::default();
    let filter = errors.take(Filter::parse("filter", &request.filter));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListCallers", &request.filter],
        request.page_size,
        &request.page_token,
    ));
    let (filter, page) = errors.ready(filter.zip(page))?;
    let (callers, next_page_token) = admin.vault.list_callers(&page, &filter).await?;
    Ok(proto::ListCallersResponse {
        callers: callers.into_iter().map(caller_message::of).collect(),
        next_page_token,
    })
}

pub(super) async fn update(
    admin: &Admin,
    identity: &Identity,
    request: proto::UpdateCallerRequest,
) -> Answer<proto::UpdateCallerResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let mask = request.update_mask.as_ref();
    let mask = Mask::parse(&mut faults.fields, mask, &parse_caller::MUTABLE);
    let mut caller = request.caller.unwrap_or_default();
    let name = faults.take(CallerName::parse("caller.name", &caller.name));
    let etag = std::mem::take(&mut caller.etag);
    let draft = parse_caller::draft(&mut faults, caller, |field| mask.names(field));
    let verb = faults.finish(name.map(|name| UpdateCaller { name, etag, draft }))?;
    let caller = admin.vault.change(change, verb).await?;
    Ok(proto::UpdateCallerResponse {
        caller: answer(caller),
    })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeleteCallerRequest,
) -> Answer<proto::DeleteCallerResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(CallerName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    admin
        .vault
        .change(change, DeleteCaller { name, etag })
        .await?;
    Ok(proto::DeleteCallerResponse {})
}

pub(super) async fn disable(
    admin: &Admin,
    identity: &Identity,
    request: proto::DisableCallerRequest,
) -> Answer<proto::DisableCallerResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(CallerName::parse("name", &request.name));
    let word = parse_word(&mut errors, request.why, request.until.as_ref());
    let (name, word) = errors.ready(name.zip(word))?;
    let etag = request.etag;
    let verb = DisableCaller { name, etag, word };
    let caller = admin.vault.change(change, verb).await?;
    Ok(proto::DisableCallerResponse {
        caller: answer(caller),
    })
}

pub(super) async fn enable(
    admin: &Admin,
    identity: &Identity,
    request: proto::EnableCallerRequest,
) -> Answer<proto::EnableCallerResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(CallerName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = EnableCaller { name, etag };
    let caller = admin.vault.change(change, verb).await?;
    Ok(proto::EnableCallerResponse {
        caller: answer(caller),
    })
}

fn answer(caller: Caller) -> Option<proto::Caller> {
    Some(caller_message::of(caller))
}
