//! The mass-death brake: a provider that rejects every key at once kills none of them for long, and what is revoked alone still dies.

use std::time::Duration;

use keylease::proto::{self, HealthState, IncidentKind, PoolStatus};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::eventually;
use crate::harness::crowd::{ACCOUNTS, Crowd, leases, report_all};
use crate::harness::judged::until;
use crate::harness::outcomes::http;

/// How long the dead keys of a pool are dead yet.
fn deaths(status: &PoolStatus) -> Vec<Duration> {
    let health = status.keys.iter().map(|key| &key.versions[0].health);
    let dead = health.flatten().filter(|h| h.state() == HealthState::Dead);
    dead.map(until).collect()
}

#[tokio::test]
async fn keys_that_are_rejected_together_are_given_back_to_canaries_soon() {
    let crowd = Crowd::of(1, 2).await;
    crowd.admin.trust_callers("p").await;
    crowd.cluster.settled().await;
    let (caller, elsewhere) = (crowd.caller(0, 0).await, crowd.caller(0, 1).await);
    let mut leases = Vec::new();
    for _ in ACCOUNTS {
        leases.push(caller.lease("p").await);
    }
    for lease in &leases[..2] {
        caller.report(lease, http(401, &[])).await;
    }
    let hours = deaths(&crowd.admin.status("p").await);
    assert!(
        hours.iter().all(|left| *left > Duration::from_hours(23)),
        "{hours:?}"
    );
    assert_eq!(crowd.incident(IncidentKind::Brake).await, None);
    // The third of five, by a report that comes in at the other replica, which has heard of the others.
    crowd.cluster.settled().await;
    elsewhere.report(&leases[2], http(401, &[])).await;
    let soon = Duration::from_secs(61);
    let given_back = async || {
        let deaths = deaths(&crowd.admin.status("p").await);
        deaths.len() == 3 && deaths.iter().all(|left| *left < soon)
    };
    eventually("the burst is given back", given_back).await;
    assert_given_back(&crowd, &leases[0].account).await;
    crowd.cluster.settled().await;
    let brake = crowd.incident(IncidentKind::Brake).await.unwrap();
    assert_eq!(brake.subject, "pools/p");
    assert!(brake.why.contains("3 of 5"), "{}", brake.why);
    // What is rejected after that dies for a pause only, by whatever replica.
    for lease in &leases[3..] {
        caller.report(lease, http(401, &[])).await;
    }
    let all = deaths(&crowd.admin.status("p").await);
    assert!(
        all.len() == 5 && all.iter().all(|left| *left < soon),
        "{all:?}"
    );
    caller
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    let braked = crowd.cluster.replicas[1].metrics().await;
    assert!(
        braked.contains("keylease_pool_braked{pool=\"p\"} 1"),
        "{braked}"
    );
}

/// The history of an account's key says who shortened its death.
async fn assert_given_back(crowd: &Crowd, account: &str) {
    let request = proto::ListHealthChangesRequest {
        parent: format!("{account}/keys/k"),
        ..Default::default()
    };
    let mut admin = crowd.admin.admin.clone();
    let changes = admin.list_health_changes(request).await.unwrap();
    let changes = changes.into_inner().health_changes;
    let by: Vec<_> = changes.iter().map(|change| change.by.as_str()).collect();
    assert_eq!(by, ["brake", "callers/c0"]);
    let dead = HealthState::Dead;
    let to = changes[0].to.as_ref().unwrap();
    assert_eq!((changes[0].from(), to.state()), (dead, dead));
}

#[tokio::test]
async fn two_callers_at_two_replicas_at_once_kill_nothing_for_a_day() {
    let crowd = Crowd::of(2, 2).await;
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 1).await];
    let all = [leases(&callers[0], 10).await, leases(&callers[1], 10).await];
    let rejected = http(401, &[]);
    tokio::join!(
        report_all(&callers[0], &all[0], &rejected),
        report_all(&callers[1], &all[1], &rejected),
    );
    let soon = Duration::from_secs(66);
    let is_short = async || {
        let deaths = deaths(&crowd.admin.status("p").await);
        deaths.len() > 2 && deaths.iter().all(|left| *left < soon)
    };
    eventually("all of it is given back", is_short).await;
    // Whatever came in last is known everywhere by then.
    for _ in 0..2 {
        crowd.cluster.settled().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(is_short().await);
    assert!(crowd.incident(IncidentKind::Brake).await.is_some());
}

#[tokio::test]
async fn a_key_that_is_revoked_alone_dies_for_a_day_in_a_pool_of_one_or_two() {
    let crowd = Crowd::of(1, 1).await;
    crowd.admin.create_pool("one", &["a"]).await;
    crowd.admin.create_pool("two", &["b", "c"]).await;
    let caller = crowd.caller(0, 0).await;
    for pool in ["one", "two"] {
        crowd.admin.trust_callers(pool).await;
        let lease = caller.lease(pool).await;
        caller.report(&lease, http(401, &[])).await;
        let status = crowd.admin.status(pool).await;
        let deaths = deaths(&status);
        assert!(
            matches!(deaths[..], [left] if left > Duration::from_hours(23)),
            "{deaths:?}"
        );
        assert_eq!(status.incidents, []);
    }
}
