//! Tokens: shown once, counted, ended.

use keylease::crypto::CallerToken;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use tonic::Code;

use crate::harness::desk::{Desk, answered, refused};

fn create(request_id: &str) -> proto::CreateTokenRequest {
    proto::CreateTokenRequest {
        parent: "callers/app".to_owned(),
        display_name: "laptop".to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_text_of_a_token_is_shown_once_and_stored_nowhere() {
    let desk = Desk::open().await;
    desk.caller("app", vec![]).await;
    let made = answered(desk.admin.create_token(desk.ask(create("r"))).await);
    let presented = CallerToken::parse(made.text.as_bytes()).unwrap();
    let token = made.token.unwrap();
    assert_eq!(token.name, format!("callers/app/tokens/{}", presented.id));
    let hash: Vec<u8> = sqlx::query_scalar("select hash from tokens")
        .fetch_one(&desk.database.pool)
        .await
        .unwrap();
    assert!(desk.vault.keys().pepper.verify(&presented, &hash));

    let again = answered(desk.admin.create_token(desk.ask(create("r"))).await);
    assert_eq!(again.text, "");
    assert_eq!(again.token.unwrap(), token);

    let secret = &made.text[18..40];
    for table in ["tokens", "request_ids", "audit_records"] {
        for row in desk.rows(&format!("select t::text from {table} t")).await {
            assert!(!row.contains(secret), "{table}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_only_tried_has_no_text() {
    let desk = Desk::open().await;
    desk.caller("app", vec![]).await;
    let request = proto::CreateTokenRequest {
        validate_only: true,
        ..create("")
    };
    let tried = answered(desk.admin.create_token(desk.ask(request)).await);
    assert_eq!(tried.text, "");
    assert!(desk.rows("select id from tokens").await.is_empty());
}

#[tokio::test]
async fn a_token_ends_in_the_future_and_belongs_to_somebody() {
    let desk = Desk::open().await;
    desk.caller("app", vec![]).await;
    for seconds in [0, -1, 1_000_000, 9_000_000_000, i64::MAX] {
        let request = proto::CreateTokenRequest {
            expire_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..create("")
        };
        let no = refused(desk.admin.create_token(desk.ask(request)).await);
        assert_eq!(no.fields, ["expire_time"], "{seconds}");
    }
    let request = proto::CreateTokenRequest {
        parent: "callers/nobody".to_owned(),
        ..create("")
    };
    let no = refused(desk.admin.create_token(desk.ask(request)).await);
    assert_eq!(no.code, Code::NotFound);
}

#[tokio::test]
async fn at_most_64_tokens_are_good_and_revoking_one_makes_room() {
    let desk = Desk::open().await;
    desk.caller("app", vec![]).await;
    for _ in 0..64 {
        answered(desk.admin.create_token(desk.ask(create(""))).await);
    }
    let no = refused(desk.admin.create_token(desk.ask(create(""))).await);
    assert_eq!(no.code, Code::FailedPrecondition);
    assert!(no.message.contains("at most 64"), "{}", no.message);

    let list = |page_token| {
        desk.ask(proto::ListTokensRequest {
            parent: "callers/app".to_owned(),
            page_size: 40,
            page_token,
        })
    };
    let page = answered(desk.admin.list_tokens(list(String::new())).await);
    let rest = answered(desk.admin.list_tokens(list(page.next_page_token)).await);
    let names: std::collections::BTreeSet<_> = page
        .tokens
        .iter()
        .chain(&rest.tokens)
        .map(|token| token.name.clone())
        .collect();
    assert_eq!(names.len(), 64);

    let revoke = || {
        desk.ask(proto::RevokeTokenRequest {
            name: page.tokens[0].name.clone(),
            ..Default::default()
        })
    };
    let revoked = answered(desk.admin.revoke_token(revoke()).await)
        .token
        .unwrap();
    assert!(revoked.revoke_time.is_some());
    let again = answered(desk.admin.revoke_token(revoke()).await)
        .token
        .unwrap();
    assert_eq!(again, revoked);
    answered(desk.admin.create_token(desk.ask(create(""))).await);
}

#[tokio::test]
async fn a_token_of_another_caller_is_not_found() {
    let desk = Desk::open().await;
    desk.caller("app", vec![]).await;
    desk.caller("other", vec![]).await;
    let made = answered(desk.admin.create_token(desk.ask(create(""))).await);
    let name = made
        .token
        .unwrap()
        .name
        .replace("callers/app", "callers/other");
    let request = desk.ask(proto::RevokeTokenRequest {
        name,
        ..Default::default()
    });
    let no = refused(desk.admin.revoke_token(request).await);
    assert_eq!(no.code, Code::NotFound);
}
