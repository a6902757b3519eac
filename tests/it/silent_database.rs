//! A database that vanishes: its machine is gone, so that nothing answers and nothing closes. What is held serves on, a replica recovers
//! as soon as the database is back, and it ends in time while it is not.

use std::time::{Duration, Instant};

use keylease::proto::{GetStatusRequest, LeaseKeyRequest};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::proxy::Proxy;
use crate::harness::setup::{MINUTE, requests};

/// In which a replica that was asked to end has ended, by its manual; the drain delay of these tests is none.
const END_WITHIN: Duration = Duration::from_secs(30);
/// So few that all of them are in use when the database vanishes.
const CONNECTIONS_MAX: &str = "3";
/// Longer than a connection is waited for.
const SILENCE: Duration = Duration::from_secs(7);
/// Every connection that hung is given up by then, and the poll has passed.
const RECOVERY_MAX: Duration = Duration::from_secs(12);

/// One replica behind a proxy, with the pool `p` of an account with a limit, and the pool `free` of one without.
async fn behind_a_proxy() -> (Cluster, Proxy, Client, Client) {
    let mut cluster = Cluster::of(0).await;
    let proxy = cluster.proxy().await;
    let few = ("KEYLEASE_DATABASE_CONNECTIONS_MAX", CONNECTIONS_MAX);
    cluster.add_with(&[few]).await;
    let admin = cluster.admin().await;
    for (account, pool) in [("limited", "p"), ("unlimited", "free")] {
        admin.create_account_and_key(account).await;
        admin.create_pool(pool, &[account]).await;
    }
    admin.create_limit("limited", requests(1_000, MINUTE)).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    cluster.settled().await;
    (cluster, proxy, admin, caller)
}

/// Answers who reads meanwhile: more than there are connections, and so slowly that each is in the midst of something when nothing comes
/// any more.
async fn vanish_in_the_midst(proxy: &Proxy, admin: &Client) -> JoinSet<()> {
    proxy.delay(Duration::from_millis(100));
    let mut others = JoinSet::new();
    for _ in 0..12 {
        let mut admin = admin.admin.clone();
        let pool = "pools/p".to_owned();
        others.spawn(async move { drop(admin.get_status(GetStatusRequest { pool }).await) });
    }
    sleep(Duration::from_millis(700)).await;
    proxy.hush();
    proxy.delay(Duration::ZERO);
    others
}

#[tokio::test]
async fn a_replica_recovers_from_a_database_that_was_silent() {
    let (cluster, proxy, admin, caller) = behind_a_proxy().await;
    caller.lease("p").await;
    let others = vanish_in_the_midst(&proxy, &admin).await;
    let began = Instant::now();
    // The block that is held ends after a second.
    sleep(Duration::from_secs(2)).await;
    while began.elapsed() < SILENCE {
        caller.lease("free").await;
        let refused = caller.refused(of("p")).await;
        refused.is(Code::Unavailable, "DATABASE_UNREACHABLE");
        sleep(Duration::from_millis(50)).await;
    }
    proxy.speak();
    let back = Instant::now();
    while caller.ask(of("p")).await.is_err() {
        assert!(
            back.elapsed() < RECOVERY_MAX,
            "{}",
            cluster.replicas[0].said()
        );
        sleep(Duration::from_millis(100)).await;
    }
    timeout(RECOVERY_MAX, others.join_all())
        .await
        .expect("a read hangs");
    let changed = admin.disable_key("accounts/unlimited/keys/k");
    timeout(RECOVERY_MAX, changed)
        .await
        .expect("a change hangs");
    timeout(RECOVERY_MAX, cluster.settled()).await.unwrap();
    caller
        .refused(of("free"))
        .await
        .is(Code::FailedPrecondition, "POOL_DISABLED");
}

#[tokio::test]
async fn a_replica_ends_in_time_while_its_database_is_silent() {
    let (mut cluster, proxy, admin, caller) = behind_a_proxy().await;
    caller.lease("p").await;
    let _others = vanish_in_the_midst(&proxy, &admin).await;
    // Until an ask for more is under way, too.
    while caller.ask(of("p")).await.is_ok() {
        sleep(Duration::from_millis(50)).await;
    }
    let ended = cluster.replicas[0].end("-TERM").await;
    assert!(ended.status.success(), "{:?}", ended.status);
    assert!(ended.took < END_WITHIN, "{:?}", ended.took);
}

#[tokio::test]
async fn an_ask_under_way_at_the_end_leaves_nothing_charged() {
    let (mut cluster, proxy, _admin, caller) = behind_a_proxy().await;
    // A transaction takes a few seconds, and is far from its end when the replica is told to end.
    proxy.delay(Duration::from_millis(60));
    let asked = {
        let caller = caller.clone();
        let request = LeaseKeyRequest {
            max_wait: Some(prost_types::Duration {
                seconds: 20,
                nanos: 0,
            }),
            ..of("p")
        };
        tokio::spawn(async move { caller.ask(request).await })
    };
    sleep(Duration::from_millis(300)).await;
    let ended = cluster.replicas[0].end("-TERM").await;
    assert!(ended.status.success() && ended.took < END_WITHIN);
    asked.await.unwrap().unwrap_err();
    let (grants, charged): (i64, i64) = sqlx::query_as(
        "select (select max(grant_number) from limit_ledgers), (select coalesce(sum(units), 0)::bigint from limit_blocks)",
    )
    .fetch_one(&cluster.database.pool)
    .await
    .unwrap();
    assert_eq!((grants, charged), (1, 0), "{}", cluster.replicas[0].said());
}
