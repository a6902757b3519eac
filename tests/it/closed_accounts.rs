//! Two callers who say of two keys of one account that it is closed confirm each other.

use keylease::proto::{FailureClass, HealthState, LeaseKeyResponse};

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::judged::state;
use crate::harness::outcomes::answered;

const CLOSED: &str = r#"{"error":{"message":"This key is associated with a deactivated account.","code":"account_deactivated"}}"#;

/// A lease of another key than this.
async fn beside(caller: &Client, key: &str) -> LeaseKeyResponse {
    loop {
        let lease = caller.lease("p").await;
        if lease.key != key {
            return lease;
        }
    }
}

#[tokio::test]
async fn two_callers_who_say_so_of_two_keys_close_an_account() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    for key in ["l", "m"] {
        admin.create_key("a", key, &format!("sk-{key}")).await;
    }
    admin.create_pool("p", &["a"]).await;
    let tokens = [
        admin.create_lessee("first", "p").await,
        admin.create_lessee("second", "p").await,
    ];
    let first = cluster.client(0, &tokens[0]).await;
    let second = cluster.client(0, &tokens[1]).await;
    let one = first.lease("p").await;
    let other = beside(&second, &one.key).await;
    let again = beside(&first, &one.key).await;
    let closed = answered(401, &[], CLOSED);
    let verdict = first.report(&one, closed.clone()).await;
    assert!(verdict.health.unwrap().unconfirmed);
    // The same caller says no more by saying so of another key.
    let verdict = first.report(&again, closed.clone()).await;
    assert!(verdict.health.unwrap().unconfirmed);
    assert!(admin.status("p").await.keys[0].account_cooldown.is_none());
    let verdict = second.report(&other, closed).await;
    assert_eq!(state(&verdict), HealthState::Dead);
    assert!(!verdict.health.unwrap().unconfirmed);
    let cooldown = admin.status("p").await.keys[0].account_cooldown.clone();
    assert_eq!(cooldown.unwrap().failure_class(), FailureClass::Credential);
    for caller in [&first, &second] {
        assert!(caller.ask(of("p")).await.is_err());
    }
}
