//! One caller's word that a budget of a key, or of one model of it, is spent for long: believed at once, tried by one lease, and made true by
//! a second caller.

use std::time::Duration;

use keylease::proto::{
    BlameScope, HealthPolicy, HealthState, LeaseKeyRequest, LeaseKeyResponse, LeaseKind, Outcome,
    Pool,
};
use tonic::Code;

use crate::alleged_budgets::{MONTH, refused};
use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually, eventually_some};
use crate::harness::judged::{brief, health, until};
use crate::harness::lies::KEY_LIMIT;
use crate::harness::outcomes::{answered, http, success};
use crate::harness::setup::{of_targets, span};
use crate::verdict_policy::of_two_callers;

const MONTHS: Duration = Duration::from_secs(29 * 24 * 3_600);

/// The reseller counts every model of every key by itself.
const RULES: &str = r#"
version = 1
[[rule]]
id = "by-key"
status = ["402"]
class = "quota"
scope = "key_model"
"#;

fn spent() -> Outcome {
    answered(402, &[("retry-after", MONTH)], KEY_LIMIT)
}

async fn says_spent(caller: &Client, lease: &LeaseKeyResponse) {
    let verdict = caller.report(lease, spent()).await;
    assert_eq!(verdict.blame(), BlameScope::Key);
}

/// The key cools down for a month on one word, and one lease finds out.
async fn lie_is_found_out(cluster: &Cluster, admin: &Client, [liar, honest]: [&Client; 2]) {
    let lease = liar.lease("p").await;
    says_spent(liar, &lease).await;
    cluster.settled().await;
    let told = health(admin).await;
    assert!(told.state() == HealthState::Cooling && told.unconfirmed);
    let asked = async || honest.ask(of("p")).await.ok();
    let trial = eventually_some("a lease finds out", asked).await;
    assert_eq!(trial.kind(), LeaseKind::Normal);
    // One finds out, and all others wait for that.
    refused(honest).await;
    honest.report(&trial, success()).await;
    cluster.settled().await;
    assert_eq!(health(admin).await.state(), HealthState::Active);
}

#[tokio::test]
async fn a_lie_shuts_a_key_for_its_quarantine_and_counts_against_its_caller_on_every_replica() {
    let policy = HealthPolicy {
        quarantine: Some(span(Duration::from_secs(3))),
        ..brief()
    };
    let (cluster, admin, [liar, honest]) = of_two_callers(policy).await;
    for _ in 0..2 {
        lie_is_found_out(&cluster, &admin, [&liar, &honest]).await;
    }
    // The liar speaks to another replica than the lease that found it out.
    let lease = liar.lease("p").await;
    let verdict = liar.report(&lease, spent()).await;
    assert_eq!(verdict.health.unwrap().state(), HealthState::Active);
    honest.lease("p").await;
}

#[tokio::test]
async fn what_two_callers_say_of_a_key_holds_for_as_long_as_it_is_stated() {
    let (cluster, admin, [first, second]) = of_two_callers(brief()).await;
    let leases = [first.lease("p").await, second.lease("p").await];
    says_spent(&first, &leases[0]).await;
    cluster.settled().await;
    says_spent(&second, &leases[1]).await;
    cluster.settled().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for caller in [&first, &second] {
        refused(caller).await;
    }
    let told = health(&admin).await;
    assert!(!told.unconfirmed && until(&told) > MONTHS);
}

#[tokio::test]
async fn a_trial_that_fails_makes_it_true() {
    let (cluster, admin, [first, second]) = of_two_callers(brief()).await;
    let lease = first.lease("p").await;
    says_spent(&first, &lease).await;
    cluster.settled().await;
    let asked = async || second.ask(of("p")).await.ok();
    let trial = eventually_some("a lease finds out", asked).await;
    says_spent(&second, &trial).await;
    cluster.settled().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    refused(&first).await;
    refused(&second).await;
    assert!(until(&health(&admin).await) > MONTHS);
}

#[tokio::test]
async fn a_model_of_a_key_is_tried_too() {
    let (cluster, admin, _) = of_two_callers(brief()).await;
    let pool = Pool {
        failure_rules: RULES.to_owned(),
        health_policy: Some(brief()),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("q", pool).await;
    let tokens = [
        admin.create_lessee("one", "q").await,
        admin.create_lessee("two", "q").await,
    ];
    cluster.settled().await;
    let liar = cluster.client(0, &tokens[0]).await;
    let honest = cluster.client(1, &tokens[1]).await;
    let wish = || LeaseKeyRequest {
        model: "m".to_owned(),
        ..of("q")
    };
    let lease = liar.ask(wish()).await.unwrap();
    let verdict = liar
        .report(&lease, http(402, &[("retry-after", MONTH)]))
        .await;
    assert_eq!(verdict.blame(), BlameScope::KeyModel);
    cluster.settled().await;
    let trial = eventually_some("a lease finds out", async || honest.ask(wish()).await.ok()).await;
    let refused = honest.refused(wish()).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    honest.report(&trial, success()).await;
    let is_back = async || liar.ask(wish()).await.is_ok();
    eventually("it serves again at the other replica", is_back).await;
}
