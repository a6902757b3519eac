//! The RPCs about pools.

use super::faults::Faults;
use super::mutation::change;
use super::{Admin, Answer, parse_pool, pool_message};
use crate::domain::field::FieldErrors;
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::name::PoolName;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::parse_word;
use crate::service::mask::Mask;
use crate::vault::{CreatePool, DeletePool, DisablePool, EnablePool, Page, PoolView, UpdatePool};

pub(super) async fn create(
    admin: &Admin,
    identity: &Identity,
    request: proto::CreatePoolRequest,
) -> Answer<proto::CreatePoolResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let id = faults.take(Id::parse("pool_id", &request.pool_id));
    let pool = request.pool.unwrap_or_default();
    let draft = parse_pool::draft(&mut faults, pool, |_| true);
    let verb = faults.finish(id.map(|id| CreatePool { id, draft }))?;
    let view = admin.vault.change(change, verb).await?;
    let pool = answer(view);
    Ok(proto::CreatePoolResponse {
        pool,
        unsupported: Vec::new(),
    })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetPoolRequest,
) -> Answer<proto::GetPoolResponse> {
    let name = PoolName::parse("name", &request.name)?;
    let view = admin.vault.get_pool(&name).await?;
    Ok(proto::GetPoolResponse { pool: answer(view) })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListPoolsRequest,
) -> Answer<proto::ListPoolsResponse> {
    let mut errors = FieldErrors::default();
    let filter = errors.take(Filter::parse("filter", &request.filter));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListPools", &request.filter],
        request.page_size,
        &request.page_token,
    ));
    let (filter, page) = errors.ready(filter.zip(page))?;
    let (views, next_page_token) = admin.vault.list_pools(&page, &filter).await?;
    Ok(proto::ListPoolsResponse {
        pools: views.into_iter().map(pool_message::of).collect(),
        next_page_token,
    })
}

pub(super) async fn update(
    admin: &Admin,
    identity: &Identity,
    request: proto::UpdatePoolRequest,
) -> Answer<proto::UpdatePoolResponse> {
    let mut faults = Faults::default();
    let change = change(&mut faults.fields, identity, &request);
    let mask = request.update_mask.as_ref();
    let mask = Mask::parse(&mut faults.fields, mask, &parse_pool::MUTABLE);
    let mut pool = request.pool.unwrap_or_default();
    let name = faults.take(PoolName::parse("pool.name", &pool.name));
    let etag = std::mem::take(&mut pool.etag);
    let draft = parse_pool::draft(&mut faults, pool, |field| mask.names(field));
    let verb = faults.finish(name.map(|name| UpdatePool { name, etag, draft }))?;
    let view = admin.vault.change(change, verb).await?;
    let pool = answer(view);
    Ok(proto::UpdatePoolResponse {
        pool,
        unsupported: Vec::new(),
    })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeletePoolRequest,
) -> Answer<proto::DeletePoolResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(PoolName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    admin
        .vault
        .change(change, DeletePool { name, etag })
        .await?;
    Ok(proto::DeletePoolResponse {})
}

pub(super) async fn disable(
    admin: &Admin,
    identity: &Identity,
    request: proto::DisablePoolRequest,
) -> Answer<proto::DisablePoolResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(PoolName::parse("name", &request.name));
    let word = parse_word(&mut errors, request.why, request.until.as_ref());
    let (name, word) = errors.ready(name.zip(word))?;
    let etag = request.etag;
    let verb = DisablePool { name, etag, word };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::DisablePoolResponse { pool: answer(view) })
}

pub(super) async fn enable(
    admin: &Admin,
    identity: &Identity,
    request: proto::EnablePoolRequest,
) -> Answer<proto::EnablePoolResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(PoolName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = EnablePool { name, etag };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::EnablePoolResponse { pool: answer(view) })
}

fn answer(view: PoolView) -> Option<proto::Pool> {
    Some(pool_message::of(view))
}
