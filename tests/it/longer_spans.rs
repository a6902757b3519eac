//! A limit that counts over a longer span from now on: what is charged then counts over that.

use std::time::Duration;

use keylease::proto;
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::setup::{MINUTE, requests};

const WINDOW: Duration = Duration::from_secs(2);

async fn used_up() -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(2, WINDOW)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let served = async || caller.ask(of("p")).await.is_ok();
    eventually("the first is served", served).await;
    eventually("and the second", served).await;
    (cluster, admin, caller)
}

/// Refused for nearly a minute, long after the shorter window has passed.
async fn is_used_up(caller: &Client) {
    tokio::time::sleep(WINDOW * 3 / 2).await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let retry = refused.retry.unwrap();
    assert!(retry > MINUTE - WINDOW * 3, "{retry:?}");
}

#[tokio::test]
async fn what_was_used_within_a_window_counts_over_the_longer_one() {
    let (_cluster, admin, caller) = used_up().await;
    let longer = requests(2, MINUTE);
    admin.update_limit("a", "l2", "rolling", longer).await;
    is_used_up(&caller).await;
}

#[tokio::test]
async fn what_was_used_counts_on_when_the_limit_is_created_anew_with_a_longer_window() {
    let (_cluster, admin, caller) = used_up().await;
    let deleted = proto::DeleteLimitRequest {
        name: "accounts/a/limits/l2".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_limit(deleted).await.unwrap();
    admin.create_limit("a", requests(2, MINUTE)).await;
    is_used_up(&caller).await;
}
