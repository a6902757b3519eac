//! What is told of a probe, and what is never told.

use std::time::Duration;

use keylease::proto::{
    HealthState, LeaseKind, ListAuditRecordsRequest, ProbeKeyRequest, ProbeResult,
};
use tokio::time::sleep;
use tonic::Code;

use crate::harness::asked::Answer;
use crate::harness::canary;
use crate::harness::client::of;
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::judged::{health, until};
use crate::harness::outcomes::http;
use crate::harness::probed::{A_WHILE, Probed};

const KEY: &str = "sk-Canary_Answers_p5Jr9Nb3Yv8Cq2";

#[tokio::test]
async fn a_person_asks_and_the_audit_knows() {
    let probed = Probed::start(1, KEY, false).await;
    let answer = probed.ask().await.unwrap();
    assert_eq!(answer.version, "accounts/a/keys/k/versions/1");
    assert_eq!(answer.probe.unwrap().result(), ProbeResult::Well);
    let again = probed.ask().await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    assert_eq!(probed.provider.times(KEY), 1);
    let audit = ListAuditRecordsRequest::default();
    let audit = probed.admin.admin.clone().list_audit_records(audit).await;
    let records = audit.unwrap().into_inner().records;
    let record = records.iter().find(|record| record.method == "ProbeKey");
    let record = record.unwrap();
    assert_eq!(
        (&*record.resource, &*record.reason),
        (&*answer.version, "a look")
    );
    assert!(record.summary.contains("well"), "{}", record.summary);
    let mut asking = probed.caller.admin.clone();
    let refused = asking.probe_key(ProbeKeyRequest {
        name: "accounts/a/keys/k".to_owned(),
        ..Default::default()
    });
    assert_eq!(refused.await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_list_that_is_shown_to_anybody_brings_a_revoked_key_back_once_and_not_in_a_loop() {
    let probed = Probed::start(1, KEY, true).await;
    let token = probed.admin.create_lessee("other", "p").await;
    probed.cluster.settled().await;
    let other = probed.cluster.client(0, &token).await;
    let lease = probed.caller.lease("p").await;
    probed.caller.report(&lease, http(401, &[])).await;
    let canary = eventually_some("a canary", async || other.ask(of("p")).await.ok()).await;
    assert_eq!(canary.kind(), LeaseKind::Canary);
    other.report(&canary, http(401, &[])).await;
    for times in [2, 3] {
        probed.make_due().await;
        probed.asked(KEY, times).await;
        sleep(A_WHILE).await;
        let dead = health(&probed.admin).await;
        assert_eq!(dead.state(), HealthState::Dead);
        assert!(until(&dead) > Duration::from_hours(23));
        assert!(other.ask(of("p")).await.is_err());
    }
    let last = probed.version().await.last_probe.unwrap();
    assert_eq!(last.result(), ProbeResult::Well);
    // What a person clears begins anew.
    probed.clear_health().await;
    probed.cluster.settled().await;
    let lease = other.lease("p").await;
    other.report(&lease, http(401, &[])).await;
    probed.make_due().await;
    let caller = &probed.caller;
    let canary = eventually_some("a canary again", async || caller.ask(of("p")).await.ok()).await;
    assert_eq!(canary.kind(), LeaseKind::Canary);
}

#[tokio::test]
async fn a_token_that_was_just_revoked_has_no_key_asked_about_and_none_killed() {
    let probed = Probed::start(1, KEY, false).await;
    probed.provider.tell(KEY, Answer::of(401, "{}"));
    // No replica has heard of it: what the database says is what counts.
    let revoke = "update tokens set revoke_time = now() where caller_uid in (select caller_uid from grants where role = 'admin')";
    assert!(probed.sql(revoke).await > 0);
    let refused = probed.ask().await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
    assert_eq!(probed.provider.times(KEY), 0);
    let dead = "update key_versions set health = health where health = 'dead'";
    assert_eq!(probed.sql(dead).await, 0);
}

#[tokio::test]
async fn a_provider_that_repeats_the_key_finds_it_kept_nowhere() {
    let probed = Probed::start(1, KEY, true).await;
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {KEY}","code":"invalid_api_key"}}}}"#
    );
    let echo = Answer {
        headers: vec![("x-request-id", KEY.to_owned())],
        ..Answer::of(401, &body)
    };
    probed.provider.tell(KEY, echo);
    probed.make_due().await;
    let is_dead = async || health(&probed.admin).await.state() == HealthState::Dead;
    eventually("the key is dead", is_dead).await;
    // A person may ask again in 5 s.
    sleep(A_WHILE * 2).await;
    let answer = probed.ask().await.unwrap();
    assert_eq!(
        answer.probe.as_ref().unwrap().result(),
        ProbeResult::Rejected
    );
    let secrets = [KEY.to_owned()];
    let replica = &probed.cluster.replicas[0];
    canary::check("an answer", &format!("{answer:?}"), &secrets);
    canary::check("the log", &replica.said(), &secrets);
    canary::check("the metrics", &replica.metrics().await, &secrets);
    canary::check(
        "the database",
        &probed.cluster.database.dump().await,
        &secrets,
    );
    let rejected = "keylease_probes_total{result=\"rejected\"}";
    assert_eq!(replica.metric(rejected).await, Some(2.0));
}
