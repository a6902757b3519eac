//! `request_id`: the same call sent again gets the same lease, with the time that is left of it, and nobody else does.

use std::time::Duration;

use keylease::proto::{
    DeletePoolRequest, EnableKeyRequest, LeaseKeyRequest, LeaseKeyResponse, Limit, Pool,
    PoolMember, UpdatePoolRequest,
};
use tonic::{Code, Request};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{not_sent, success};
use crate::harness::setup::{MINUTE, requests, span};

/// A cluster with the pool `p`, whose one account may make `amount` requests a minute, each within `start_within` of its call.
async fn limited_to(amount: i64, start_within: Duration) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let limit = Limit {
        start_within: Some(span(start_within)),
        ..requests(amount, MINUTE)
    };
    admin.create_limit("a", limit).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

fn named(id: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        request_id: id.to_owned(),
        max_wait: Some(span(Duration::from_secs(10))),
        ..of("p")
    }
}

fn start_within(lease: &LeaseKeyResponse) -> Duration {
    Duration::try_from(lease.start_within.unwrap()).unwrap()
}

#[tokio::test]
async fn a_retry_gets_the_same_lease_with_what_is_left_of_it_until_it_can_no_longer_start() {
    let (_cluster, admin, caller) = limited_to(2, Duration::from_secs(3)).await;
    let lease = caller.ask(named("r")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // How long a retry would wait is its own affair.
    let again = LeaseKeyRequest {
        max_wait: None,
        ..named("r")
    };
    let replay = caller.ask(again).await.unwrap();
    assert_eq!(replay.lease_id, lease.lease_id);
    assert_eq!(replay.credential, lease.credential);
    let aged = start_within(&lease) - start_within(&replay);
    assert!(aged >= Duration::from_millis(300), "{aged:?}");
    let status = admin.status("p").await;
    assert_eq!(status.keys[0].leases, 1, "one permit was taken");
    tokio::time::sleep(start_within(&replay)).await;
    let refused = caller.refused(named("r")).await;
    refused.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
    let other = caller.ask(named("s")).await.unwrap();
    assert_ne!(other.lease_id, lease.lease_id);
}

#[tokio::test]
async fn calls_that_come_at_once_share_one_lease() {
    let (_cluster, _admin, caller) = limited_to(1, Duration::from_secs(3)).await;
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.ask(named("r")).await })
        })
        .collect();
    let mut ids = Vec::new();
    for asked in asked {
        ids.push(asked.await.unwrap().unwrap().lease_id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn an_id_is_its_callers_and_for_one_call() {
    let (cluster, admin, caller) = limited_to(5, Duration::from_secs(3)).await;
    let lease = caller.ask(named("r")).await.unwrap();
    let changed = LeaseKeyRequest {
        affinity_key: "elsewhere".to_owned(),
        ..named("r")
    };
    let refused = caller.refused(changed).await;
    let refused = refused.is(Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert!(refused.message.contains("request_id"), "{refused:?}");
    let token = admin.create_lessee("stranger", "p").await;
    let stranger = cluster.client(0, &token).await;
    let other = stranger.ask(named("r")).await.unwrap();
    assert_ne!(other.lease_id, lease.lease_id);
    let huge = caller.refused(named(&"r".repeat(129))).await;
    let huge = huge.is(Code::InvalidArgument, "FIELD_INVALID");
    assert!(huge.fields.contains(&"request_id".to_owned()), "{huge:?}");
}

#[tokio::test]
async fn a_call_that_was_refused_or_given_up_is_asked_anew() {
    let (_cluster, admin, caller) = limited_to(1, Duration::from_secs(3)).await;
    let first = caller.lease("p").await;
    let hasty = LeaseKeyRequest {
        max_wait: None,
        ..named("refused")
    };
    caller.refused(hasty).await;
    let mut given_up = Request::new(named("given up"));
    given_up.set_timeout(Duration::from_millis(300));
    assert!(caller.ask(given_up).await.is_err());
    let raised = requests(3, MINUTE);
    admin.update_limit("a", "l1", "amount", raised).await;
    for id in ["refused", "given up"] {
        let lease = caller.ask(named(id)).await.unwrap();
        assert_ne!(lease.lease_id, first.lease_id);
    }
}

#[tokio::test]
async fn a_replay_gives_no_key_that_was_taken_out() {
    let (_cluster, admin, caller) = limited_to(5, Duration::from_secs(5)).await;
    let lease = caller.ask(named("r")).await.unwrap();
    admin.disable_key(&lease.key).await;
    let refused = caller.refused(named("r")).await;
    refused.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
    let enable = EnableKeyRequest {
        name: lease.key.clone(),
        ..Default::default()
    };
    admin.admin.clone().enable_key(enable).await.unwrap();
    let replay = caller.ask(named("r")).await.unwrap();
    assert_eq!(replay.lease_id, lease.lease_id);
    admin.rotate(&lease.key, "sk-after").await;
    let refused = caller.refused(named("r")).await;
    refused.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
    caller.report(&lease, success()).await;
}

#[tokio::test]
async fn a_lease_on_which_anything_was_reported_is_not_given_again() {
    let (_cluster, _admin, caller) = limited_to(1, Duration::from_secs(5)).await;
    let lease = caller.ask(named("r")).await.unwrap();
    caller.report(&lease, not_sent()).await;
    // Its permit is somebody else's by now, or may be.
    let other = caller.ask(named("s")).await.unwrap();
    assert_ne!(other.lease_id, lease.lease_id);
    let refused = caller.refused(named("r")).await;
    refused.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
}

#[tokio::test]
async fn what_is_reported_elsewhere_on_a_lease_that_was_given_again_gives_nothing_back() {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(2, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let first = cluster.client(0, &token).await;
    let second = cluster.client(1, &token).await;
    let once = first.ask(named("once")).await.unwrap();
    let twice = first.ask(named("twice")).await.unwrap();
    first.ask(named("twice")).await.unwrap();
    for lease in [&once, &twice] {
        second.report(lease, not_sent()).await;
    }
    let leased = async || first.ask(of("p")).await.is_ok();
    eventually("one permit comes back", leased).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = first.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
}

#[tokio::test]
async fn a_replay_gives_no_key_that_its_pool_no_longer_has() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
        let limit = Limit {
            start_within: Some(span(Duration::from_secs(30))),
            ..requests(9, MINUTE)
        };
        admin.create_limit(account, limit).await;
    }
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.ask(named("r")).await.unwrap();
    let replay = caller.ask(named("r")).await.unwrap();
    assert_eq!(replay.lease_id, lease.lease_id);
    let moved = UpdatePoolRequest {
        pool: Some(Pool {
            name: "pools/p".to_owned(),
            members: vec![PoolMember {
                target: "accounts/b".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["members".to_owned()],
        }),
        ..Default::default()
    };
    admin.admin.clone().update_pool(moved).await.unwrap();
    let refused = caller.refused(named("r")).await;
    refused.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
    let lease = caller.ask(named("s")).await.unwrap();
    assert!(lease.key.starts_with("accounts/b/"), "{}", lease.key);
    let gone = DeletePoolRequest {
        name: "pools/p".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_pool(gone).await.unwrap();
    admin.create_pool("p", &["b"]).await;
    let refused = caller.refused(named("s")).await;
    refused.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
}
