//! The RPCs about accounts.

use super::mutation::change;
use super::{Admin, Answer, account_message, learned_limits};
use crate::domain::field::FieldErrors;
use crate::domain::filter::Filter;
use crate::domain::labels::Labels;
use crate::domain::name::AccountName;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::{parse_rotation_policy, parse_word};
use crate::service::mask::Mask;
use crate::vault::{
    AccountView, DeleteAccount, DisableAccount, EnableAccount, Page, UpdateAccount,
};

/// What UpdateAccount can change.
const MUTABLE: [&str; 7] = [
    "labels",
    "base_url",
    "allowed_hosts",
    "allow_http",
    "credential_placement",
    "rotation_policy",
    "learned_limits",
];

pub(super) async fn create(
    admin: &Admin,
    identity: &Identity,
    request: proto::CreateAccountRequest,
) -> Answer<proto::CreateAccountResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let id = ("account_id", request.account_id.as_str());
    let account = ("account", request.account);
    let verb = account_message::to_create(&mut errors, id, account, admin.upstreams);
    let verb = errors.ready(verb)?;
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::CreateAccountResponse {
        account: answer(view),
    })
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetAccountRequest,
) -> Answer<proto::GetAccountResponse> {
    let name = AccountName::parse("name", &request.name)?;
    let view = admin.vault.get_account(&name).await?;
    Ok(proto::GetAccountResponse {
        account: answer(view),
    })
}

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListAccountsRequest,
) -> Answer<proto::ListAccountsResponse> {
    let mut errors = FieldErrors::default();
    let filter = errors.take(Filter::parse("filter", &request.filter));
    let page = errors.take(Page::parse(
        admin.vault.keys(),
        &["ListAccounts", &request.filter],
        request.page_size,
        &request.page_token,
    ));
    let (filter, page) = errors.ready(filter.zip(page))?;
    let (views, next_page_token) = admin.vault.list_accounts(&page, &filter).await?;
    Ok(proto::ListAccountsResponse {
        accounts: views.into_iter().map(account_message::of).collect(),
        next_page_token,
    })
}

pub(super) async fn update(
    admin: &Admin,
    identity: &Identity,
    request: proto::UpdateAccountRequest,
) -> Answer<proto::UpdateAccountResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let mask = Mask::parse(&mut errors, request.update_mask.as_ref(), &MUTABLE);
    let account = request.account.unwrap_or_default();
    let name = errors.take(AccountName::parse("account.name", &account.name));
    let labels = mask.when("labels", || {
        errors.take_within("account", Labels::parse("labels", account.labels))
    });
    let placement = mask.when("credential_placement", || {
        let placement = account_message::parse_placement(account.credential_placement);
        errors.take_within("account", placement)
    });
    let rotation_interval = mask.when("rotation_policy", || {
        let policy = account.rotation_policy.as_ref();
        errors.take_within("account", parse_rotation_policy("rotation_policy", policy))
    });
    let learned_limits = mask.when("learned_limits", || {
        errors.take_within("account", learned_limits::policy(account.learned_limits))
    });
    let verb = name.map(|name| UpdateAccount {
        name,
        etag: account.etag,
        labels,
        base_url: mask.when("base_url", || Some(account.base_url)),
        allowed_hosts: mask.when("allowed_hosts", || Some(account.allowed_hosts)),
        allow_http: mask.when("allow_http", || Some(account.allow_http)),
        placement,
        rotation_interval,
        learned_limits,
        upstreams: admin.upstreams,
    });
    let verb = errors.ready(verb)?;
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::UpdateAccountResponse {
        account: answer(view),
    })
}

pub(super) async fn delete(
    admin: &Admin,
    identity: &Identity,
    request: proto::DeleteAccountRequest,
) -> Answer<proto::DeleteAccountResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(AccountName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = DeleteAccount { name, etag };
    admin.vault.change(change, verb).await?;
    Ok(proto::DeleteAccountResponse {})
}

pub(super) async fn disable(
    admin: &Admin,
    identity: &Identity,
    request: proto::DisableAccountRequest,
) -> Answer<proto::DisableAccountResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(AccountName::parse("name", &request.name));
    let word = parse_word(&mut errors, request.why, request.until.as_ref());
    let (name, word) = errors.ready(name.zip(word))?;
    let etag = request.etag;
    let verb = DisableAccount { name, etag, word };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::DisableAccountResponse {
        account: answer(view),
    })
}

pub(super) async fn enable(
    admin: &Admin,
    identity: &Identity,
    request: proto::EnableAccountRequest,
) -> Answer<proto::EnableAccountResponse> {
    let mut errors = FieldErrors::default();
    let change = change(&mut errors, identity, &request);
    let name = errors.take(AccountName::parse("name", &request.name));
    let name = errors.ready(name)?;
    let etag = request.etag;
    let verb = EnableAccount { name, etag };
    let view = admin.vault.change(change, verb).await?;
    Ok(proto::EnableAccountResponse {
        account: answer(view),
    })
}

fn answer(view: AccountView) -> Option<proto::Account> {
    Some(account_message::of(view))
}
