//! Accounts, and what is common to every change: request ids, etags, validate_only, audit.

use keylease::domain::caller::Grant;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use tonic::Code;

use crate::harness::desk::{Desk, mask};
use crate::harness::keys::{as_caller, fields, identity, openai, reason};

fn create(id: &str, request_id: &str) -> proto::CreateAccountRequest {
    proto::CreateAccountRequest {
        account_id: id.to_owned(),
        account: Some(openai()),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

fn update(account: proto::Account, paths: &[&str]) -> proto::UpdateAccountRequest {
    proto::UpdateAccountRequest {
        account: Some(account),
        update_mask: mask(paths),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_account_is_created_read_listed_changed_disabled_enabled_and_deleted() {
    let desk = Desk::open().await;
    let admin = &desk.admin;
    let created = desk.create_account("acme").await.unwrap();
    assert_eq!(created.name, "accounts/acme");
    assert_eq!(created.base_url, "https://api.openai.com/v1");
    assert_eq!(created.allowed_hosts, ["api.openai.com"]);
    let week = created.rotation_policy.unwrap().interval.unwrap();
    assert_eq!(week.seconds, 168 * 3600);

    let name = created.name.clone();
    let changed = proto::Account {
        name: name.clone(),
        etag: created.etag.clone(),
        labels: [("team".to_owned(), "search".to_owned())].into(),
        ..openai()
    };
    let changed = admin.update_account(desk.ask(update(changed, &["labels"])));
    let changed = changed.await.unwrap().into_inner().account.unwrap();
    assert_ne!(changed.etag, created.etag);
    assert_eq!(changed.labels["team"], "search");

    let disable = proto::DisableAccountRequest {
        name: name.clone(),
        why: "leaked".to_owned(),
        ..Default::default()
    };
    let disabled = admin.disable_account(desk.ask(disable)).await.unwrap();
    let word = disabled.into_inner().account.unwrap().disablement.unwrap();
    assert_eq!(
        (word.reason.as_str(), word.by.as_str()),
        ("leaked", "callers/root")
    );

    let list = proto::ListAccountsRequest {
        filter: "labels.team=search AND state=disabled".to_owned(),
        ..Default::default()
    };
    let listed = admin
        .list_accounts(desk.ask(list))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.accounts.len(), 1);

    let enable = proto::EnableAccountRequest {
        name: name.clone(),
        ..Default::default()
    };
    let enabled = admin.enable_account(desk.ask(enable)).await.unwrap();
    let enabled = enabled.into_inner().account.unwrap();
    let get = proto::GetAccountRequest { name: name.clone() };
    let read = admin.get_account(desk.ask(get.clone())).await.unwrap();
    assert_eq!(read.into_inner().account.unwrap(), enabled);

    let delete = proto::DeleteAccountRequest {
        name,
        ..Default::default()
    };
    admin.delete_account(desk.ask(delete)).await.unwrap();
    let gone = admin.get_account(desk.ask(get)).await.unwrap_err();
    assert_eq!(
        (gone.code(), reason(&gone).as_str()),
        (Code::NotFound, "RESOURCE_NOT_FOUND")
    );
    let (rev, audits) = desk.marks().await;
    assert_eq!((rev, audits), (5, 5));
}

#[tokio::test]
async fn a_repeated_request_answers_the_account_as_it_stands() {
    let desk = Desk::open().await;
    let first = desk
        .admin
        .create_account(desk.ask(create("a", "r1")))
        .await
        .unwrap();
    let marks = desk.marks().await;
    let again = desk
        .admin
        .create_account(desk.ask(create("a", "r1")))
        .await
        .unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    assert_eq!(desk.marks().await, marks);

    let reused = desk.admin.create_account(desk.ask(create("b", "r1"))).await;
    let reused = reused.unwrap_err();
    assert_eq!(reused.code(), Code::InvalidArgument);
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    // Another caller's ids are its own.
    let other = as_caller(identity(vec![Grant::Admin]), create("b", "r1"));
    desk.admin.create_account(other).await.unwrap();
}

#[tokio::test]
async fn a_request_id_is_free_again_after_a_day() {
    let desk = Desk::open().await;
    desk.admin
        .create_account(desk.ask(create("a", "r1")))
        .await
        .unwrap();
    sqlx::query("update request_ids set create_time = now() - interval '25 hours'")
        .execute(&desk.database.pool)
        .await
        .unwrap();
    desk.admin
        .create_account(desk.ask(create("b", "r1")))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failed_request_is_not_remembered() {
    let desk = Desk::open().await;
    desk.create_account("a").await.unwrap();
    let taken = desk.admin.create_account(desk.ask(create("a", "r1"))).await;
    assert_eq!(taken.unwrap_err().code(), Code::AlreadyExists);
    desk.admin
        .create_account(desk.ask(create("b", "r1")))
        .await
        .unwrap();
}

#[tokio::test]
async fn validate_only_checks_everything_and_changes_nothing() {
    let desk = Desk::open().await;
    let marks = desk.marks().await;
    let mut request = create("a", "r1");
    request.validate_only = true;
    let answer = desk
        .admin
        .create_account(desk.ask(request.clone()))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().account.unwrap().name, "accounts/a");
    assert_eq!(desk.marks().await, marks);
    desk.create_account("a").await.unwrap();
    let taken = desk
        .admin
        .create_account(desk.ask(request))
        .await
        .unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_name_is_taken_once_even_by_many_at_once() {
    let desk = Desk::open().await;
    let (a, b, c) = tokio::join!(
        desk.create_account("a"),
        desk.create_account("a"),
        desk.create_account("a")
    );
    let results = [a, b, c];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(reason(&refused), "RESOURCE_EXISTS");
    assert_eq!(desk.marks().await, (1, 1));
}

#[tokio::test]
async fn an_etag_of_an_older_state_is_refused() {
    let desk = Desk::open().await;
    let first = desk.create_account("a").await.unwrap();
    let mut account = first.clone();
    account.labels = [("x".to_owned(), "1".to_owned())].into();
    let request = update(account, &["labels"]);
    desk.admin
        .update_account(desk.ask(request.clone()))
        .await
        .unwrap();
    let late = desk
        .admin
        .update_account(desk.ask(request))
        .await
        .unwrap_err();
    assert_eq!(
        (late.code(), reason(&late).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let delete = proto::DeleteAccountRequest {
        name: first.name,
        etag: first.etag,
        ..Default::default()
    };
    let late = desk
        .admin
        .delete_account(desk.ask(delete))
        .await
        .unwrap_err();
    assert_eq!(late.code(), Code::Aborted);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_said_at_once() {
    let desk = Desk::open().await;
    let request = proto::CreateAccountRequest {
        account_id: "No Such Id".to_owned(),
        account: Some(proto::Account {
            provider_profile: "openai".to_owned(),
            base_url: "http://169.254.169.254/".to_owned(),
            labels: [("BAD".to_owned(), "x".to_owned())].into(),
            rotation_policy: Some(proto::RotationPolicy {
                interval: Some(prost_types::Duration {
                    seconds: 1,
                    nanos: 0,
                }),
            }),
            ..Default::default()
        }),
        request_id: "x".repeat(200),
        reason: "y".repeat(600),
        ..Default::default()
    };
    let refused = desk
        .admin
        .create_account(desk.ask(request))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "FIELD_INVALID");
    let mut named = fields(&refused);
    named.sort();
    let expected = [
        "account.base_url",
        "account.labels",
        "account.rotation_policy.interval",
        "account_id",
        "reason",
        "request_id",
    ];
    assert_eq!(named, expected);
}

#[tokio::test]
async fn hostile_names_and_masks_are_refused() {
    let desk = Desk::open().await;
    let long = format!("accounts/{}", "a".repeat(64));
    for name in [
        "",
        "accounts/",
        "accounts/A",
        "pools/a",
        "accounts/a/keys/b",
        "accounts/a'--",
        &long,
    ] {
        let request = proto::GetAccountRequest {
            name: name.to_owned(),
        };
        let refused = desk.admin.get_account(desk.ask(request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{name}");
    }
    let account = desk.create_account("a").await.unwrap();
    for path in ["uid", "name", "provider_profile", "disablement", "nonsense"] {
        let request = update(account.clone(), &[path]);
        let refused = desk
            .admin
            .update_account(desk.ask(request))
            .await
            .unwrap_err();
        assert_eq!(fields(&refused), ["update_mask"], "{path}");
    }
}

#[tokio::test]
async fn a_list_goes_on_from_page_to_page() {
    let desk = Desk::open().await;
    for id in ["c", "a", "b-1", "b"] {
        desk.create_account(id).await.unwrap();
    }
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = proto::ListAccountsRequest {
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = desk
            .admin
            .list_accounts(desk.ask(request))
            .await
            .unwrap()
            .into_inner();
        names.extend(page.accounts.into_iter().map(|account| account.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(
        names,
        ["accounts/a", "accounts/b", "accounts/b-1", "accounts/c"]
    );
    let forged = proto::ListAccountsRequest {
        page_token: "Zm9yZ2Vk".to_owned(),
        ..Default::default()
    };
    let refused = desk
        .admin
        .list_accounts(desk.ask(forged))
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["page_token"]);
}

#[tokio::test]
async fn a_caller_without_the_role_is_refused_and_so_is_nobody() {
    let desk = Desk::open().await;
    let auditor = || identity(vec![Grant::Auditor]);
    let request = proto::ListAccountsRequest::default();
    desk.admin
        .list_accounts(as_caller(auditor(), request.clone()))
        .await
        .unwrap();
    let refused = desk
        .admin
        .create_account(as_caller(auditor(), create("a", "")))
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "ROLE_MISSING");
    let operator = identity(vec![Grant::Operator]);
    let refused = desk
        .admin
        .create_account(as_caller(operator, create("a", "")))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let nobody = desk
        .admin
        .list_accounts(tonic::Request::new(request))
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_row_that_a_database_writer_changed_is_not_made_ours_by_the_next_change() {
    let desk = Desk::open().await;
    let account = desk.create_account("a").await.unwrap();
    sqlx::query(
        "update accounts set base_url = 'https://evil.example', allowed_hosts = '{evil.example}'",
    )
    .execute(&desk.database.pool)
    .await
    .unwrap();
    let request = update(account.clone(), &["labels"]);
    let mut request = request;
    request.account.as_mut().unwrap().etag.clear();
    let refused = desk
        .admin
        .update_account(desk.ask(request))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "STATE_FORBIDS");
    let delete = proto::DeleteAccountRequest {
        name: account.name,
        ..Default::default()
    };
    desk.admin.delete_account(desk.ask(delete)).await.unwrap();
}

#[tokio::test]
async fn the_audit_says_who_did_what_why_and_from_where() {
    let desk = Desk::open().await;
    let mut request = create("a", "");
    request.reason = "new team".to_owned();
    desk.admin.create_account(desk.ask(request)).await.unwrap();
    let row: (String, String, String, String, String) =
        sqlx::query_as("select caller, method, resource, reason, source from audit_records where method = 'CreateAccount'")
            .fetch_one(&desk.database.pool)
            .await
            .unwrap();
    let expected = (
        "callers/root",
        "CreateAccount",
        "accounts/a",
        "new team",
        "127.0.0.1",
    );
    let row = (&*row.0, &*row.1, &*row.2, &*row.3, &*row.4);
    assert_eq!(row, expected);
}
