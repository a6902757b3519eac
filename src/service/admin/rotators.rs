//! The RPCs about rotators of accounts.

use std::time::Duration;

use super::mutation::change;
use super::{Admin, Answer};
use crate::domain::endpoint::Endpoint;
use crate::domain::field::{FieldError, FieldErrors, Parsed};
use crate::domain::key::etag;
use crate::domain::name::AccountName;
use crate::domain::rotation::GRACE_MAX;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::{duration, parse_duration, timestamp};
use crate::vault::{DeleteRotator, RotatorView, SetRotator};

pub(super) async fn set(
    admin: &Admin,
    identity: &Identity,
    mut request: proto::SetRotatorRequest,
) -> Answer<proto::SetRotatorResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let rotator = request.rotator.take().unwrap_or_default();
    let account = errors.take(parse_name("rotator.name", &rotator.name));
    let url = errors.take(parse_url(admin, &rotator));
    let grace = rotator.grace.as_ref();
    let grace =
        grace.map(|grace| parse_duration("rotator.grace", grace, Duration::ZERO, GRACE_MAX));
    let grace = errors.take(grace.transpose());
    let ((account, url), grace) = errors.ready(account.zip(url).zip(grace))?;
    let verb = SetRotator {
        account,
        url,
        allow_http: rotator.allow_http,
        grace,
        new_secret: request.new_secret,
    };
    let mut view = admin.vault.change(change, verb).await?;
    // What was only tried is signed with by nobody.
    let secret = view.secret.take().filter(|_| !request.validate_only);
    let secret = secret.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
    Ok(proto::SetRotatorResponse {
        rotator: Some(of(view)),
        signing_secret: secret.unwrap_or_default(),
    })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetRotatorRequest,
) -> Answer<proto::GetRotatorResponse> {
    let account = parse_name("name", &request.name)?;
    let view = admin.vault.get_rotator(&account).await?;
    Ok(proto::GetRotatorResponse {
        rotator: Some(of(view)),
    })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeleteRotatorRequest,
) -> Answer<proto::DeleteRotatorResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let account = errors.take(parse_name("name", &request.name));
    let account = errors.ready(account)?;
    let verb = DeleteRotator { account };
    admin.vault.change(change, verb).await?;
    Ok(proto::DeleteRotatorResponse {})
}

fn parse_name(field: &str, name: &str) -> Parsed<AccountName> {
    let account = name.strip_suffix("/rotator");
    let account = account.and_then(|account| AccountName::parse(field, account).ok());
    account.ok_or_else(|| FieldError::new(field, "must be accounts/{account}/rotator"))
}

/// What may be the base URL of an account may be a rotator's.
fn parse_url(admin: &Admin, rotator: &proto::Rotator) -> Parsed<String> {
    let endpoint = Endpoint::parse(&rotator.url, Vec::new(), rotator.allow_http);
    let admitted = endpoint.and_then(|endpoint| admin.upstreams.admit(endpoint));
    match admitted {
        Ok(endpoint) => Ok(endpoint.base_url),
        Err(error) => Err(FieldError::new("rotator.url", error.message)),
    }
}

fn of(view: RotatorView) -> proto::Rotator {
    let rotator = view.rotator;
    proto::Rotator {
        name: format!("{}/rotator", view.account),
        etag: etag(rotator.rev),
        url: rotator.url,
        allow_http: rotator.allow_http,
        grace: rotator.grace.map(duration),
        create_time: Some(timestamp(rotator.create_time)),
        update_time: Some(timestamp(rotator.update_time)),
    }
}
