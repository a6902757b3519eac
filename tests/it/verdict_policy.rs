//! What one caller's word against a key does, what confirms it, and what is kept of that.

use std::time::Duration;

use keylease::proto::{
    self, HealthChange, HealthPolicy, HealthState, LeaseKind, Pool, VerdictPolicy,
};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::judged::{brief, health, patient, state, until};
use crate::harness::outcomes::{http, success};
use crate::harness::setup::{of_targets, span};

pub(crate) const KEY: &str = "accounts/a/keys/k";

/// Two replicas, the pool `p` of one key and this policy, and the callers `search` and `other`, each at a replica of its own.
pub(crate) async fn of_two_callers(policy: HealthPolicy) -> (Cluster, Client, [Client; 2]) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let pool = Pool {
        health_policy: Some(policy),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("p", pool).await;
    let tokens = [
        admin.create_lessee("search", "p").await,
        admin.create_lessee("other", "p").await,
    ];
    cluster.settled().await;
    let callers = [
        cluster.client(0, &tokens[0]).await,
        cluster.client(1, &tokens[1]).await,
    ];
    (cluster, admin, callers)
}

/// A quarantine that outlasts a test, and no other time.
pub(crate) fn confirming() -> HealthPolicy {
    HealthPolicy {
        quarantine: Some(span(Duration::from_secs(30))),
        ..Default::default()
    }
}

pub(crate) async fn history(admin: &Client) -> Vec<HealthChange> {
    let request = proto::ListHealthChangesRequest {
        parent: KEY.to_owned(),
        ..Default::default()
    };
    let answer = admin.admin.clone().list_health_changes(request).await;
    answer.unwrap().into_inner().health_changes
}

/// From what to what, whether that is confirmed, and by whose word.
fn told(change: &HealthChange) -> (HealthState, HealthState, bool, &str) {
    let to = change.to.as_ref().unwrap();
    (change.from(), to.state(), !to.unconfirmed, &change.by)
}

#[tokio::test]
async fn one_callers_word_takes_a_key_out_everywhere_and_anothers_makes_it_death() {
    let (cluster, admin, [search, other]) = of_two_callers(confirming()).await;
    let leases = [search.lease("p").await, search.lease("p").await];
    let others = other.lease("p").await;
    let verdict = search.report(&leases[0], http(401, &[])).await;
    let told_at_once = verdict.health.unwrap();
    assert_eq!(told_at_once.state(), HealthState::Dead);
    assert!(told_at_once.unconfirmed);
    cluster.settled().await;
    other
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "KEYS_DEAD");
    let accused = health(&admin).await;
    assert!(accused.unconfirmed && accused.why.ends_with("by callers/search"));
    assert!(until(&accused) <= Duration::from_secs(30));
    // The same caller's second word says no more than its first.
    let verdict = search.report(&leases[1], http(401, &[])).await;
    assert!(verdict.health.unwrap().unconfirmed);
    let verdict = other.report(&others, http(401, &[])).await;
    let dead = verdict.health.unwrap();
    assert!(!dead.unconfirmed && until(&dead) > Duration::from_hours(23));
    cluster.settled().await;
    assert!(!health(&admin).await.unconfirmed);
    let changes = history(&admin).await;
    let changes: Vec<_> = changes.iter().map(told).collect();
    let (active, dead) = (HealthState::Active, HealthState::Dead);
    assert_eq!(
        changes,
        [
            (dead, dead, true, "callers/other"),
            (active, dead, false, "callers/search"),
        ]
    );
}

#[tokio::test]
async fn where_a_pool_trusts_its_callers_one_word_is_death() {
    let trusting = HealthPolicy {
        verdicts: VerdictPolicy::Trust.into(),
        ..confirming()
    };
    let (_cluster, admin, [search, _]) = of_two_callers(trusting).await;
    let lease = search.lease("p").await;
    search.report(&lease, http(401, &[])).await;
    let dead = health(&admin).await;
    assert!(!dead.unconfirmed && until(&dead) > Duration::from_hours(23));
}

#[tokio::test]
async fn a_quarantine_that_nobody_confirms_ends_in_a_canary_of_somebody_else() {
    let (cluster, admin, [search, other]) = of_two_callers(brief()).await;
    let lease = search.lease("p").await;
    search.report(&lease, http(401, &[])).await;
    cluster.settled().await;
    let canary = other.ask(patient()).await.unwrap();
    assert_eq!(canary.kind(), LeaseKind::Canary);
    other.report(&canary, success()).await;
    cluster.settled().await;
    assert_eq!(search.lease("p").await.kind(), LeaseKind::Normal);
    let changes = history(&admin).await;
    let last = told(&changes[0]);
    let (active, dead) = (HealthState::Active, HealthState::Dead);
    assert_eq!(last, (dead, active, true, "canary of callers/other"));
}

#[tokio::test]
async fn the_rejection_of_the_canary_makes_it_death() {
    let policy = HealthPolicy {
        dead_ttl: None,
        ..brief()
    };
    let (_cluster, admin, [search, _]) = of_two_callers(policy).await;
    let lease = search.lease("p").await;
    search.report(&lease, http(401, &[])).await;
    // Nobody else comes, so the caller is given the canary itself, after a while.
    let canary = search.ask(patient()).await.unwrap();
    assert_eq!(canary.kind(), LeaseKind::Canary);
    let verdict = search.report(&canary, http(401, &[])).await;
    let dead = verdict.health.unwrap();
    assert!(!dead.unconfirmed && until(&dead) > Duration::from_hours(23));
    let by = history(&admin).await[0].by.clone();
    assert_eq!(by, "canary of callers/search");
}

#[tokio::test]
async fn who_accuses_well_keys_again_and_again_soon_takes_them_from_itself_alone() {
    let (cluster, admin, [liar, honest]) = of_two_callers(brief()).await;
    for _ in 0..2 {
        let lease = liar.ask(patient()).await.unwrap();
        let verdict = liar.report(&lease, http(401, &[])).await;
        assert_eq!(state(&verdict), HealthState::Dead);
        cluster.settled().await;
        let canary = honest.ask(patient()).await.unwrap();
        assert_eq!(canary.kind(), LeaseKind::Canary);
        honest.report(&canary, success()).await;
        cluster.settled().await;
    }
    for _ in 0..5 {
        let lease = liar.ask(patient()).await.unwrap();
        let verdict = liar.report(&lease, http(401, &[])).await;
        assert_eq!(state(&verdict), HealthState::Active);
        assert!(
            liar.ask(of("p")).await.is_err(),
            "its own word holds for it"
        );
        for _ in 0..5 {
            let lease = honest.ask(of("p")).await.unwrap();
            assert_eq!(lease.kind(), LeaseKind::Normal);
            honest.report(&lease, success()).await;
        }
    }
    assert_eq!(history(&admin).await.len(), 4);
}
