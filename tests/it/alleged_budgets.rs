//! One caller's word that a budget of an account is spent for long: believed at once, tried by one lease, and made true by a second caller.

use std::time::Duration;

use keylease::proto::{HealthPolicy, HealthState, LeaseKind};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::eventually_some;
use crate::harness::judged::brief;
use crate::harness::outcomes::{http, success};
use crate::harness::setup::span;
use crate::verdict_policy::of_two_callers;

const DAY: u64 = 24 * 3_600;
pub(crate) const MONTH: &str = "2592000";

fn spent() -> keylease::proto::Outcome {
    http(402, &[("retry-after", MONTH)])
}

/// Refused for about a month.
pub(crate) async fn refused(caller: &Client) {
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    assert!(refused.retry.unwrap().as_secs() > 29 * DAY);
}

async fn is_cooling(admin: &Client) -> bool {
    admin.status("p").await.keys[0].account_cooldown.is_some()
}

#[tokio::test]
async fn a_lie_shuts_an_account_for_its_quarantine_and_not_for_its_month() {
    let (cluster, admin, [liar, honest]) = of_two_callers(brief()).await;
    let lease = liar.lease("p").await;
    liar.report(&lease, spent()).await;
    refused(&liar).await;
    cluster.settled().await;
    let asked = async || honest.ask(of("p")).await.ok();
    let trial = eventually_some("a lease finds out", asked).await;
    assert_eq!(trial.kind(), LeaseKind::Normal);
    // One finds out, and all others wait for that.
    refused(&honest).await;
    honest.report(&trial, success()).await;
    assert!(!is_cooling(&admin).await);
    honest.lease("p").await;
    cluster.settled().await;
    let lease = liar.lease("p").await;
    // Who has been wrong twice within an hour is not listened to.
    liar.report(&lease, spent()).await;
    cluster.settled().await;
    let trial = eventually_some("a lease finds out again", asked).await;
    honest.report(&trial, success()).await;
    cluster.settled().await;
    let known = async || {
        let lease = liar.ask(of("p")).await.ok()?;
        let verdict = liar.report(&lease, spent()).await;
        assert_eq!(verdict.health.unwrap().state(), HealthState::Active);
        (!is_cooling(&admin).await).then_some(())
    };
    eventually_some("its word cools nothing", known).await;
}

#[tokio::test]
async fn a_second_callers_word_makes_it_true() {
    let (cluster, admin, [first, second]) = of_two_callers(brief()).await;
    let leases = [first.lease("p").await, second.lease("p").await];
    first.report(&leases[0], spent()).await;
    cluster.settled().await;
    second.report(&leases[1], spent()).await;
    cluster.settled().await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for caller in [&first, &second] {
        refused(caller).await;
    }
    assert!(is_cooling(&admin).await);
}

#[tokio::test]
async fn who_is_alone_makes_it_true_by_its_own_trial() {
    let policy = HealthPolicy {
        quarantine: Some(span(Duration::from_secs(1))),
        ..Default::default()
    };
    let (_cluster, _admin, [alone, _]) = of_two_callers(policy).await;
    let lease = alone.lease("p").await;
    alone.report(&lease, spent()).await;
    refused(&alone).await;
    let asked = async || alone.ask(of("p")).await.ok();
    let trial = eventually_some("it finds out by itself", asked).await;
    alone.report(&trial, spent()).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    refused(&alone).await;
}
