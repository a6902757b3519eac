//! What is kept of a version's health, and how one that was dead grows back.

use std::time::Duration;

use keylease::proto::{self, HealthPolicy, HealthState, LeaseKeyRequest, LeaseKind, Pool};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually_some};
use crate::harness::judged::{brief, patient};
use crate::harness::outcomes::{http, success};
use crate::harness::setup::{of_targets, span};
use crate::verdict_policy::{KEY, confirming, history, of_two_callers};

#[tokio::test]
async fn what_was_dead_grows_back_and_serves_alone_where_it_has_to() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    let policy = HealthPolicy {
        recovery_ramp: Some(span(Duration::from_mins(10))),
        ..brief()
    };
    let pool = Pool {
        health_policy: Some(policy),
        ..of_targets(&["a", "b"])
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let only = |account: &str| LeaseKeyRequest {
        account: format!("accounts/{account}"),
        ..patient()
    };
    let lease = caller.ask(only("a")).await.unwrap();
    caller.report(&lease, http(401, &[])).await;
    let canary = caller.ask(only("a")).await.unwrap();
    assert_eq!(canary.kind(), LeaseKind::Canary);
    caller.report(&canary, success()).await;
    let mut of_a = 0;
    for _ in 0..320 {
        of_a += u32::from(caller.lease("p").await.account == "accounts/a");
    }
    // Half of 320 turns, and a sixteenth of those.
    assert!((8..=14).contains(&of_a), "{of_a}");
    admin.disable_key("accounts/b/keys/k").await;
    for _ in 0..20 {
        let lease = caller.ask(of("p")).await.unwrap();
        assert_eq!(
            (lease.account.as_str(), lease.kind()),
            ("accounts/a", LeaseKind::Normal)
        );
    }
}

#[tokio::test]
async fn a_history_is_paged_bounded_and_shown_by_those_who_may_read() {
    let (cluster, admin, [search, _]) = of_two_callers(confirming()).await;
    let clear = || proto::ClearHealthRequest {
        name: KEY.to_owned(),
        ..Default::default()
    };
    for _ in 0..2 {
        let lease = search.lease("p").await;
        search.report(&lease, http(401, &[])).await;
        admin.admin.clone().clear_health(clear()).await.unwrap();
    }
    let all = history(&admin).await;
    let by: Vec<_> = all.iter().map(|change| change.by.as_str()).collect();
    assert_eq!(by[1], "callers/search");
    assert!(by[0].starts_with("callers/") && by[0] != by[1], "{by:?}");
    let page = proto::ListHealthChangesRequest {
        parent: KEY.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let mut pages = admin.admin.clone();
    let first = pages.list_health_changes(page.clone()).await.unwrap();
    let first = first.into_inner();
    let next = proto::ListHealthChangesRequest {
        page_token: first.next_page_token,
        ..page.clone()
    };
    let second = pages.list_health_changes(next).await.unwrap().into_inner();
    assert_eq!(
        [&first.health_changes[..], &second.health_changes].concat(),
        all[..2]
    );
    let denied = search.admin.clone().list_health_changes(page).await;
    assert_eq!(denied.unwrap_err().code(), Code::PermissionDenied);
    many_changes(&cluster).await;
    let kept = history(&admin).await.len();
    assert_eq!(kept, 100);
}

#[tokio::test]
async fn a_history_says_why_a_key_is_well_again() {
    let (_cluster, admin, [search, _]) = of_two_callers(brief()).await;
    let last = async || history(&admin).await.remove(0);
    let lease = search.lease("p").await;
    search.report(&lease, http(401, &[])).await;
    assert_eq!(last().await.to.unwrap().state(), HealthState::Dead);
    let clear = proto::ClearHealthRequest {
        name: KEY.to_owned(),
        reason: "the provider had an outage".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().clear_health(clear).await.unwrap();
    let cleared = last().await.to.unwrap();
    assert_eq!(cleared.state(), HealthState::Active);
    assert_eq!(cleared.why, "the provider had an outage");
    let serves = async || search.ask(of("p")).await.ok();
    let lease = eventually_some("it is cleared here", serves).await;
    search.report(&lease, http(401, &[])).await;
    let canary = search.ask(patient()).await.unwrap();
    assert_eq!(canary.kind(), LeaseKind::Canary);
    search.report(&canary, success()).await;
    let well = last().await;
    assert_eq!(well.by, "canary of callers/search");
    assert_eq!(well.to.unwrap().why, "its canary succeeded");
}

/// More changes than are kept, written as the vault writes them.
async fn many_changes(cluster: &Cluster) {
    use keylease::domain::health::Health;
    use keylease::domain::time::Timestamp;
    use keylease::store::health_changes;
    let pool = &cluster.database.pool;
    let uid = sqlx::query_scalar("select uid from key_versions");
    let uid: uuid::Uuid = uid.fetch_one(pool).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    for micros in 0..150 {
        let (same, at) = (Health::Active, Timestamp::from_micros(micros));
        let noted = health_changes::insert(&mut conn, uid, (&same, &same), ("probe", None), at);
        noted.await.unwrap();
    }
}
