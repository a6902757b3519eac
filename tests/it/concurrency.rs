//! Limits of what is under way: permits are held until they are reported, or until their caller has to be done.

use std::time::Duration;

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse, Limit, LimitDimension};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{not_sent, success, times};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{duration, span};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// So many uses under way at one time, none for longer than this without being renewed.
pub(crate) fn concurrency(amount: i64, longest: Duration) -> Limit {
    Limit {
        dimension: LimitDimension::Concurrency.into(),
        amount,
        lease_duration_max: Some(span(longest)),
        ..Default::default()
    }
}

/// A cluster with the pool `p`, whose one account has this limit, and a caller at each replica.
pub(crate) async fn limited_by(limit: Limit, replicas: usize) -> (Cluster, Vec<Client>) {
    let cluster = Cluster::of(replicas).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", limit).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let mut callers = Vec::new();
    for replica in 0..replicas {
        callers.push(cluster.client(replica, &token).await);
    }
    (cluster, callers)
}

pub(crate) fn lasting(lease_duration: Duration) -> LeaseKeyRequest {
    LeaseKeyRequest {
        lease_duration: Some(span(lease_duration)),
        max_wait: Some(span(10 * SECOND)),
        ..of("p")
    }
}

pub(crate) async fn is_full(caller: &Client) {
    let refused = caller.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
}

pub(crate) async fn tell(caller: &Client, lease: &LeaseKeyResponse) -> Result<(), Refusal> {
    let report = reporting(lease, vec![success()]);
    let told = caller.tell(report).await;
    told.map(drop).map_err(|status| Refusal::of(&status))
}

#[tokio::test]
async fn a_permit_is_held_until_its_use_is_reported() {
    let (_cluster, callers) = limited_by(concurrency(4, 60 * SECOND), 1).await;
    let caller = &callers[0];
    let batch = LeaseKeyRequest {
        requests: Some(2),
        ..lasting(60 * SECOND)
    };
    let two = caller.ask(batch).await.unwrap();
    assert_eq!(two.granted, 2);
    let (one, another) = (caller.lease("p").await, caller.lease("p").await);
    is_full(caller).await;
    // A part of a batch gives back its part.
    let part = vec![times(1, not_sent())];
    caller.tell(reporting(&two, part)).await.unwrap();
    let third = caller.lease("p").await;
    is_full(caller).await;
    for lease in [&one, &another, &third] {
        tell(caller, lease).await.unwrap();
    }
    // Again and again, far more often than once in a charge time.
    for _ in 0..20 {
        let lease = caller.lease("p").await;
        tell(caller, &lease).await.unwrap();
    }
    let first = caller.lease("p").await;
    for _ in 0..2 {
        caller.lease("p").await;
    }
    is_full(caller).await;
    // A report that comes twice gives back once.
    for _ in 0..3 {
        caller
            .tell(reporting(&first, vec![success()]))
            .await
            .unwrap();
    }
    caller.lease("p").await;
    is_full(caller).await;
}

#[tokio::test]
async fn leases_last_no_longer_than_the_limit_lets_them_and_silence_gives_back() {
    let (_cluster, callers) = limited_by(concurrency(1, 2 * SECOND), 1).await;
    let caller = &callers[0];
    let lease = caller.ask(lasting(60 * SECOND)).await.unwrap();
    let within = duration(lease.report_within);
    assert!(within >= 2 * SECOND && within < 3 * SECOND, "{within:?}");
    is_full(caller).await;
    let begun = std::time::Instant::now();
    let next = caller.ask(lasting(SECOND)).await.unwrap();
    assert!(begun.elapsed() > SECOND, "{:?}", begun.elapsed());
    // Too late, and it changes nothing: the permit is somebody else's.
    let late = tell(caller, &lease).await.unwrap_err();
    late.is(Code::FailedPrecondition, "LEASE_EXPIRED");
    is_full(caller).await;
    tell(caller, &next).await.unwrap();
    caller.lease("p").await;
}

#[tokio::test]
async fn permits_come_back_from_other_replicas_and_from_those_that_die() {
    let (mut cluster, callers) = limited_by(concurrency(2, 3 * SECOND), 2).await;
    let (here, there) = (&callers[0], &callers[1]);
    let first = here.ask(lasting(3 * SECOND)).await.unwrap();
    let _lost = there.ask(lasting(3 * SECOND)).await.unwrap();
    is_full(here).await;
    // Reported elsewhere: it travels to the replica that gave it, and its permit to one that waits.
    tell(there, &first).await.unwrap();
    let second = there.ask(lasting(3 * SECOND)).await.unwrap();
    drop(cluster.replicas.pop());
    is_full(here).await;
    here.ask(lasting(3 * SECOND)).await.unwrap();
    drop(second);
}

/// Whichever of two stories comes first, the permit comes back, and comes back once.
#[tokio::test]
async fn two_stories_of_one_use_at_the_same_moment_on_two_replicas_give_back_once() {
    let (_cluster, callers) = limited_by(concurrency(2, 60 * SECOND), 2).await;
    let told = callers[0].ask(lasting(60 * SECOND)).await.unwrap();
    let _held = callers[1].ask(lasting(60 * SECOND)).await.unwrap();
    let stories = [success(), not_sent()].map(|story| reporting(&told, vec![story]));
    let [first, second] = stories;
    let (first, second) = tokio::join!(callers[0].tell(first), callers[1].tell(second));
    assert!(first.is_ok() && second.is_ok());
    callers[1].ask(lasting(60 * SECOND)).await.unwrap();
    // Longer than news of a report are on their way.
    tokio::time::sleep(3 * SECOND).await;
    for caller in &callers {
        is_full(caller).await;
    }
}
