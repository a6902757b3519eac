//! The mass-death brake: a provider that rejects every key at once kills none of them for long, and what is revoked alone still dies.

use std::time::Duration;

use keylease::proto::{HealthState, IncidentKind, PoolStatus};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::eventually;
use crate::harness::crowd::{ACCOUNTS, Crowd};
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
