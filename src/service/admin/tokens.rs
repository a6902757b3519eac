//! The RPCs about tokens.

use super::mutation::change;
use super::{Admin, Answer, caller_message};
use crate::domain::caller_draft::DISPLAY_NAME_BYTES_MAX;
use crate::domain::field::{FieldErrors, text};
use crate::domain::name::{CallerName, TokenName};
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::parse_timestamp;
use crate::vault::{CreateToken, Page, RevokeToken};

pub(super) async fn create(
    admin: &Admin,
    identity: &Identity,
    request: proto::CreateTokenRequest,
) -> Answer<proto::CreateTokenResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let caller = errors.take(CallerName::parse("parent", &request.parent));
    let end = request.expire_time.as_ref();
    let end = end
        .map(|end| parse_timestamp("expire_time", end))
        .transpose();
    let end = errors.take(end);
    let display_name = text("display_name", request.display_name, DISPLAY_NAME_BYTES_MAX);
    let parts = errors.take(display_name).zip(end).zip(caller);
    let ((display_name, expire_time), caller) = errors.ready(parts)?;
    let id = caller.0.clone();
    let verb = CreateToken {
        caller,
        expire_time,
        display_name,
    };
    let made = admin.vault.change(change, verb).await?;
    // Nobody can use the text of a token that was only tried.
    let text = made.text.filter(|_| !request.validate_only);
    let text = text.map(|text| String::from_utf8_lossy(text.expose()).into_owned());
    Ok(proto::CreateTokenResponse {
        token: Some(caller_message::token(&id, made.token)),
        text: text.unwrap_or_default(),
    })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListTokensRequest,
) -> Answer<proto::ListTokensResponse> {
    let mut errors = FieldErrors::default();
    let caller = errors.take(CallerName::parse("parent", &request.parent));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListTokens", &request.parent],
        request.page_size,
        &request.page_token,
    ));
    let (caller, page) = errors.ready(caller.zip(page))?;
    let (tokens, next_page_token) = admin.vault.list_tokens(&caller, &page).await?;
    let token = |token| caller_message::token(&caller.0, token);
    Ok(proto::ListTokensResponse {
        tokens: tokens.into_iter().map(token).collect(),
        next_page_token,
    })
}

pub(super) async fn revoke(
    admin: &Admin,
    identity: &Identity,
    request: proto::RevokeTokenRequest,
) -> Answer<proto::RevokeTokenResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(TokenName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let caller = name.caller.clone();
    let token = admin.vault.change(change, RevokeToken { name }).await?;
    Ok(proto::RevokeTokenResponse {
        token: Some(caller_message::token(&caller, token)),
    })
}
