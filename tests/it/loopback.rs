//! Base URLs and hosts on loopback: refused by `serve` in every verb that takes them.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use tonic::{Code, Status};

use crate::harness::desk::{Desk, mask};
use crate::harness::keys::fields;

const LOOPBACK: &str = "https://127.0.0.1:8443/v1";

fn account(base_url: &str) -> proto::Account {
    proto::Account {
        name: "accounts/a".to_owned(),
        provider_profile: "openai".to_owned(),
        base_url: base_url.to_owned(),
        ..Default::default()
    }
}

fn refuses(refused: &Status, field: &str) {
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields(refused), [field]);
    let remedy = "KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS=true";
    assert!(refused.message().contains(remedy), "{}", refused.message());
}

#[tokio::test]
async fn no_verb_gives_an_account_an_upstream_on_loopback() {
    let desk = Desk::open().await;
    let create = proto::CreateAccountRequest {
        account_id: "a".to_owned(),
        account: Some(account(LOOPBACK)),
        ..Default::default()
    };
    let refused = desk.admin.create_account(desk.ask(create)).await;
    refuses(&refused.unwrap_err(), "account.base_url");

    let imported = proto::ImportedAccount {
        account_id: "a".to_owned(),
        account: Some(account(LOOPBACK)),
        ..Default::default()
    };
    let import = proto::ImportKeysRequest {
        accounts: vec![imported],
        ..Default::default()
    };
    let refused = desk.admin.import_keys(desk.ask(import)).await;
    refuses(&refused.unwrap_err(), "accounts[0].account.base_url");

    desk.create_account("a").await.unwrap();
    let update = proto::UpdateAccountRequest {
        account: Some(account(LOOPBACK)),
        update_mask: mask(&["base_url", "allowed_hosts"]),
        ..Default::default()
    };
    let refused = desk.admin.update_account(desk.ask(update)).await;
    refuses(&refused.unwrap_err(), "account.base_url");

    let update = proto::UpdateAccountRequest {
        account: Some(proto::Account {
            allowed_hosts: vec!["api.openai.com".to_owned(), "localhost:8443".to_owned()],
            ..account("")
        }),
        update_mask: mask(&["allowed_hosts"]),
        ..Default::default()
    };
    let refused = desk.admin.update_account(desk.ask(update)).await;
    refuses(&refused.unwrap_err(), "account.allowed_hosts");
}
