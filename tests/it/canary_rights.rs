//! The right to a canary: of the whole fleet one lease tries a version whose time as a dead one is over, whoever is paused or dies.

use std::time::{Duration, Instant};

use keylease::proto::{
    HealthPolicy, HealthState, LeaseKeyRequest, LeaseKeyResponse, LeaseKind, Pool, VerdictPolicy,
};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::judged::{brief, health, state};
use crate::harness::outcomes::{http, success};
use crate::harness::setup::{of_targets, span};

/// How long the canaries of these tests may be reported.
const LASTS: Duration = Duration::from_secs(4);
/// How long a right may lie unused.
const GIVE_WITHIN: Duration = Duration::from_secs(5);

/// So many replicas, a caller of each, and the pool `p` of one key, which was found dead and has served its time.
async fn of_a_dead_key(replicas: usize) -> (Cluster, Client, Vec<Client>) {
    let cluster = Cluster::of(replicas).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let pool = Pool {
        health_policy: Some(HealthPolicy {
            verdicts: VerdictPolicy::Trust.into(),
            ..brief()
        }),
        lease_duration: Some(span(LASTS)),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let mut callers = Vec::new();
    for replica in 0..replicas {
        callers.push(cluster.client(replica, &token).await);
    }
    let lease = callers[0].lease("p").await;
    let verdict = callers[0].report(&lease, http(401, &[])).await;
    assert_eq!(state(&verdict), HealthState::Dead);
    cluster.settled().await;
    // The policy is brief.
    tokio::time::sleep(Duration::from_secs(1)).await;
    (cluster, admin, callers)
}

/// Asks every replica that answers again and again, as long as this lasts; answers the leases.
async fn besiege(callers: &[Client], lasts: Duration) -> Vec<LeaseKeyResponse> {
    let ends = Instant::now() + lasts;
    let asking = callers.iter().cloned().map(|caller| async move {
        let mut leases = Vec::new();
        while Instant::now() < ends {
            leases.extend(caller.ask(of("p")).await.ok());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        leases
    });
    let tasks: tokio::task::JoinSet<_> = asking.collect();
    tasks.join_all().await.into_iter().flatten().collect()
}

/// The one canary that a siege brings.
async fn canary(callers: &[Client], lasts: Duration) -> LeaseKeyResponse {
    let mut leases = besiege(callers, lasts).await;
    let kinds: Vec<_> = leases.iter().map(LeaseKeyResponse::kind).collect();
    assert_eq!(kinds, [LeaseKind::Canary], "one canary, and nothing else");
    leases.remove(0)
}

#[tokio::test]
async fn one_canary_of_three_replicas_brings_a_dead_key_back() {
    let (cluster, admin, callers) = of_a_dead_key(3).await;
    let canary = canary(&callers, Duration::from_secs(3)).await;
    assert_eq!(canary.granted, 1);
    // Reported wherever the caller gets through.
    let verdict = callers[2].report(&canary, success()).await;
    assert_eq!(state(&verdict), HealthState::Active);
    cluster.settled().await;
    assert_eq!(health(&admin).await.state(), HealthState::Active);
    for caller in &callers {
        assert_eq!(caller.lease("p").await.kind(), LeaseKind::Normal);
    }
}

#[tokio::test]
async fn a_canary_that_says_nothing_makes_room_for_the_next_at_once() {
    let (_cluster, _admin, callers) = of_a_dead_key(2).await;
    let first = canary(&callers, Duration::from_secs(1)).await;
    // Reported where it was not given: its issuer hears of it and gives the right back.
    callers[0].report(&first, http(503, &[])).await;
    let began = Instant::now();
    let next = canary(&callers, Duration::from_secs(3)).await;
    assert_ne!(next.lease_id, first.lease_id);
    assert!(began.elapsed() < LASTS + GIVE_WITHIN);
}

#[tokio::test]
async fn while_a_canary_is_out_its_end_is_told_everywhere() {
    let (_cluster, _admin, callers) = of_a_dead_key(2).await;
    canary(&callers[..1], Duration::from_millis(500)).await;
    for _ in 0..3 {
        let refused = callers[1].refused(of("p")).await;
        let refused = refused.is(Code::ResourceExhausted, "KEYS_DEAD");
        let retry = refused.retry.unwrap();
        assert!(retry > Duration::from_secs(3), "{retry:?}");
        // By then it is worth asking again.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let told = callers[1].explain(&of("p")).await;
        assert!(!told.keys[0].eligible, "{told:?}");
    }
}

#[tokio::test]
async fn a_call_sent_again_is_the_same_canary() {
    let (_cluster, _admin, callers) = of_a_dead_key(1).await;
    let request = || LeaseKeyRequest {
        request_id: "canary-1".to_owned(),
        ..of("p")
    };
    let first = callers[0].ask(request()).await.unwrap();
    assert_eq!(first.kind(), LeaseKind::Canary);
    for _ in 0..3 {
        let again = callers[0].ask(request()).await.unwrap();
        assert_eq!(
            (again.kind(), &again.lease_id),
            (LeaseKind::Canary, &first.lease_id)
        );
    }
    assert!(besiege(&callers, Duration::from_secs(1)).await.is_empty());
}

#[tokio::test]
async fn what_a_replica_that_died_held_is_lost_to_it_by_time() {
    let (mut cluster, _admin, callers) = of_a_dead_key(2).await;
    let first = canary(&callers[..1], Duration::from_secs(1)).await;
    cluster.replicas[0].end("-KILL").await;
    let began = Instant::now();
    let second = &callers[1];
    // As long as the first can be reported, and it can be elsewhere, there is no other.
    assert!(
        besiege(&callers[1..], LASTS - Duration::from_secs(2))
            .await
            .is_empty()
    );
    let leased = async || second.ask(of("p")).await.is_ok();
    eventually("another replica has the right", leased).await;
    let took = began.elapsed();
    assert!(
        took < LASTS + GIVE_WITHIN + Duration::from_secs(4),
        "{took:?}"
    );
    assert!(
        second
            .tell(reporting(&first, vec![success()]))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_replica_that_is_paused_with_the_right_in_hand_gives_no_second_canary() {
    let (cluster, _admin, callers) = of_a_dead_key(2).await;
    take_in_hand(&cluster, &callers[0]).await;
    cluster.replicas[0].signal("-STOP");
    let canary = async {
        loop {
            if let Ok(lease) = callers[1].ask(of("p")).await {
                return lease;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let long = LASTS + GIVE_WITHIN + Duration::from_secs(6);
    let canary = tokio::time::timeout(long, canary).await.unwrap();
    assert_eq!(canary.kind(), LeaseKind::Canary);
    cluster.replicas[0].signal("-CONT");
    assert!(besiege(&callers, Duration::from_secs(2)).await.is_empty());
    callers[1].report(&canary, success()).await;
    cluster.settled().await;
    assert_eq!(callers[0].lease("p").await.kind(), LeaseKind::Normal);
}

#[tokio::test]
async fn a_right_that_is_not_used_goes_back_also_when_its_replica_ends() {
    let (mut cluster, _admin, callers) = of_a_dead_key(2).await;
    take_in_hand(&cluster, &callers[0]).await;
    cluster.replicas[0].end("-TERM").await;
    let free = rights(&cluster).await == 0;
    assert!(free, "the right is free as soon as the replica has ended");
    assert_eq!(
        canary(&callers[1..], Duration::from_secs(1)).await.kind(),
        LeaseKind::Canary
    );
}

#[tokio::test]
async fn a_canary_that_goes_on_keeps_its_right() {
    let (_cluster, _admin, callers) = of_a_dead_key(2).await;
    let first = canary(&callers, Duration::from_secs(1)).await;
    let renewal = keylease::proto::RenewLeaseRequest {
        lease_id: first.lease_id.clone(),
        lease_duration: Some(span(Duration::from_secs(30))),
    };
    let mut leases = callers[1].leases.clone();
    leases.renew_lease(renewal).await.unwrap();
    let beyond = LASTS + GIVE_WITHIN + Duration::from_secs(2);
    assert!(besiege(&callers, beyond).await.is_empty());
    let verdict = callers[0].report(&first, success()).await;
    assert_eq!(state(&verdict), HealthState::Active);
}

#[tokio::test]
async fn a_person_who_clears_a_key_ends_the_right_of_its_canary() {
    let (cluster, admin, callers) = of_a_dead_key(1).await;
    canary(&callers, Duration::from_secs(1)).await;
    assert_eq!(rights(&cluster).await, 1);
    let clear = keylease::proto::ClearHealthRequest {
        name: "accounts/a/keys/k".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().clear_health(clear).await.unwrap();
    assert_eq!(rights(&cluster).await, 0);
}

/// The replica of this caller holds the right, and nobody asks for the lease: its answer comes when the call that wanted it has gone.
async fn take_in_hand(cluster: &Cluster, caller: &Client) {
    let mut slow = cluster.database.pool.begin().await.unwrap();
    sqlx::query("lock table canaries")
        .execute(&mut *slow)
        .await
        .unwrap();
    let mut request = tonic::Request::new(of("p"));
    request.set_timeout(Duration::from_millis(200));
    assert!(caller.ask(request).await.is_err());
    slow.commit().await.unwrap();
    let is_held = async || rights(cluster).await == 1;
    eventually("the right is held", is_held).await;
}

async fn rights(cluster: &Cluster) -> i64 {
    sqlx::query_scalar("select count(right_id) from canaries")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap()
}
