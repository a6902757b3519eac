//! Limits of what is under way: permits are held until they are reported, or until their caller has to be done.

use std::time::Duration;

use keylease::proto::{
    LeaseKeyRequest, LeaseKeyResponse, Limit, LimitDimension, LimitMode, RenewLeaseRequest,
};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{not_sent, success, times};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{duration, span};

const SECOND: Duration = Duration::from_secs(1);

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
async fn limited_by(limit: Limit, replicas: usize) -> (Cluster, Vec<Client>) {
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

fn lasting(lease_duration: Duration) -> LeaseKeyRequest {
    LeaseKeyRequest {
        lease_duration: Some(span(lease_duration)),
        max_wait: Some(span(10 * SECOND)),
        ..of("p")
    }
}

async fn renew(
    caller: &Client,
    lease_id: &str,
    longer: Option<Duration>,
) -> Result<Duration, Refusal> {
    let request = RenewLeaseRequest {
        lease_id: lease_id.to_owned(),
        lease_duration: longer.map(span),
    };
    let answer = caller.leases.clone().renew_lease(request).await;
    let answer = answer.map_err(|status| Refusal::of(&status))?.into_inner();
    Ok(duration(answer.report_within))
}

async fn is_full(caller: &Client) {
    let refused = caller.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
}

async fn tell(caller: &Client, lease: &LeaseKeyResponse) -> Result<(), Refusal> {
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

#[tokio::test]
async fn a_renewed_lease_holds_its_permit_and_can_be_reported_later() {
    let (_cluster, callers) = limited_by(concurrency(1, 4 * SECOND), 2).await;
    for renewer in &callers {
        let lease = callers[0].ask(lasting(2 * SECOND)).await.unwrap();
        let longer = renew(renewer, &lease.lease_id, Some(60 * SECOND)).await;
        assert_eq!(longer, Ok(4 * SECOND));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        for caller in &callers {
            is_full(caller).await;
        }
        // Once more, and by any replica.
        assert_eq!(
            renew(&callers[1], &lease.lease_id, None).await,
            Ok(2 * SECOND)
        );
        tell(&callers[0], &lease).await.unwrap();
        let next = callers[1].ask(lasting(2 * SECOND)).await.unwrap();
        is_full(&callers[0]).await;
        tell(&callers[1], &next).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_go_on_is_refused_and_stays_as_it_was() {
    let (cluster, callers) = limited_by(concurrency(1, 2 * SECOND), 1).await;
    let caller = &callers[0];
    let lease = caller.ask(lasting(2 * SECOND)).await.unwrap();
    let id = &lease.lease_id;
    for forged in [&id[..id.len() - 4], "x", &"A".repeat(1_000)] {
        let no = renew(caller, forged, None).await.unwrap_err();
        no.is(Code::InvalidArgument, "LEASE_ID_INVALID");
    }
    for (id, longer) in [
        ("", None),
        (id.as_str(), Some(Duration::ZERO)),
        (id.as_str(), Some(Duration::from_hours(25))),
    ] {
        let no = renew(caller, id, longer).await.unwrap_err();
        no.is(Code::InvalidArgument, "FIELD_INVALID");
    }
    let admin = cluster.admin().await;
    let no = renew(&admin, id, None).await.unwrap_err();
    no.is(Code::PermissionDenied, "LEASE_FOREIGN");
    tell(caller, &lease).await.unwrap();
    let no = renew(caller, id, None).await.unwrap_err();
    no.is(Code::FailedPrecondition, "LEASE_FINISHED");
    let silent = caller.ask(lasting(SECOND)).await.unwrap();
    is_full(caller).await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let no = renew(caller, &silent.lease_id, None).await.unwrap_err();
    no.is(Code::FailedPrecondition, "LEASE_EXPIRED");
    caller.lease("p").await;
    is_full(caller).await;
}

#[tokio::test]
async fn leases_of_accounts_without_such_limits_go_on_too() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.ask(lasting(SECOND)).await.unwrap();
    let longer = renew(&caller, &lease.lease_id, Some(60 * SECOND)).await;
    assert_eq!(longer, Ok(60 * SECOND));
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    tell(&caller, &lease).await.unwrap();
}

/// A shadow keeps nobody from anything, however long its permits would be held.
#[tokio::test]
async fn a_shadow_lets_every_lease_go_on() {
    let shadow = Limit {
        mode: LimitMode::Shadow.into(),
        ..concurrency(1, SECOND)
    };
    let (_cluster, callers) = limited_by(shadow, 1).await;
    let lease = callers[0].ask(lasting(30 * SECOND)).await.unwrap();
    let soon = renew(&callers[0], &lease.lease_id, None).await.unwrap();
    assert_eq!(soon, 30 * SECOND);
    let lease = callers[0].ask(lasting(30 * SECOND)).await.unwrap();
    tokio::time::sleep(5 * SECOND / 2).await;
    let late = renew(&callers[0], &lease.lease_id, None).await.unwrap();
    assert_eq!(late, 30 * SECOND);
}
