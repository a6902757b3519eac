//! The RPCs about limits. Those of callers are in the contract and not built yet.

use super::faults::Faults;
use super::mutation::change;
use super::{Admin, Answer, limit_message, parse_limit};
use crate::domain::field::Parsed;
use crate::domain::id::Id;
use crate::domain::limit::Limit;
use crate::domain::name::{LimitName, OwnerName};
use crate::proto;
use crate::proto::unbuilt::{CALLER_LIMITS, Unbuilt};
use crate::service::auth::Identity;
use crate::service::mask::Mask;
use crate::vault::{CreateLimit, DeleteLimit, Page, UpdateLimit};

pub(super) async fn create(
    admin: &Admin,
    identity: &Identity,
    request: proto::CreateLimitRequest,
) -> Answer<proto::CreateLimitResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let owner = owner(&mut faults, &request.parent);
    let limit = faults.take(Id::parse("limit_id", &request.limit_id));
    let name = owner
        .zip(limit)
        .map(|(owner, limit)| LimitName { owner, limit });
    let limit = parse_limit::new_limit(&mut faults, request.limit.unwrap_or_default());
    let (name, limit) = faults.finish(name.zip(limit))?;
    let owner = name.owner.clone();
    let limit = admin
        .vault
        .change(change, CreateLimit { name, limit })
        .await?;
    Ok(proto::CreateLimitResponse {
        limit: answer(&limit, owner),
    })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetLimitRequest,
) -> Answer<proto::GetLimitResponse> {
    let mut faults = Faults::default();
    let name = name(&mut faults, "name", &request.name);
    let name = faults.finish(name)?;
    let limit = admin.vault.get_limit(&name).await?;
    Ok(proto::GetLimitResponse {
        limit: answer(&limit, name.owner),
    })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListLimitsRequest,
) -> Answer<proto::ListLimitsResponse> {
    let mut faults = Faults::default();
    let owner = owner(&mut faults, &request.parent);
    let page = faults.take(Page::parse(
        admin.vault.keys(),
        &["ListLimits", &request.parent],
        request.page_size,
        &request.page_token,
    ));
    let (owner, page) = faults.finish(owner.zip(page))?;
    let (limits, next_page_token) = admin.vault.list_limits(&owner, &page).await?;
    let message = |limit| limit_message::of_read(limit, owner.clone());
    Ok(proto::ListLimitsResponse {
        limits: limits.iter().map(message).collect(),
        next_page_token,
    })
}

pub(super) async fn update(
    admin: &Admin,
    identity: &Identity,
    request: proto::UpdateLimitRequest,
) -> Answer<proto::UpdateLimitResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let mask = request.update_mask.as_ref();
    let mask = Mask::parse(&mut faults.fields, mask, &parse_limit::MUTABLE);
    let mut limit = request.limit.unwrap_or_default();
    let name = name(&mut faults, "limit.name", &limit.name);
    let etag = std::mem::take(&mut limit.etag);
    let draft = parse_limit::draft(&mut faults, limit, |field| mask.names(field));
    let verb = faults.finish(name.map(|name| UpdateLimit { name, etag, draft }))?;
    let owner = verb.name.owner.clone();
    let limit = admin.vault.change(change, verb).await?;
    Ok(proto::UpdateLimitResponse {
        limit: answer(&limit, owner),
    })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeleteLimitRequest,
) -> Answer<proto::DeleteLimitResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let name = name(&mut faults, "name", &request.name);
    let name = faults.finish(name)?;
    let etag = request.etag;
    admin
        .vault
        .change(change, DeleteLimit { name, etag })
        .await?;
    Ok(proto::DeleteLimitResponse {})
}

fn owner(faults: &mut Faults, parent: &str) -> Option<OwnerName> {
    let owner = faults.take(OwnerName::parse("parent", parent))?;
    refuse_callers(faults, "parent", &owner);
    Some(owner)
}

fn name(faults: &mut Faults, field: &'static str, name: &str) -> Option<LimitName> {
    let parsed: Parsed<LimitName> = LimitName::parse(field, name);
    let name = faults.take(parsed)?;
    refuse_callers(faults, field, &name.owner);
    Some(name)
}

fn refuse_callers(faults: &mut Faults, field: &'static str, owner: &OwnerName) {
    match owner {
        OwnerName::Account(_) => {}
        OwnerName::Caller(_) => {
            let unbuilt = Unbuilt {
                field,
                ..CALLER_LIMITS
            };
            faults.not_built(unbuilt, &owner.to_string());
        }
    }
}

fn answer(limit: &Limit, owner: OwnerName) -> Option<proto::Limit> {
    Some(limit_message::of(limit, owner))
}
