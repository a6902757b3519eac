//! Whose report counts, how often, and for which lease.

use std::time::Duration;

use keylease::proto::{HealthState, LeaseKeyRequest, Outcome, ReportOutcomeRequest, Usage};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{http, not_sent, success, times};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests, span};

/// A cluster with the pool `p`, whose one account may make `amount` requests a minute.
async fn limited_to(amount: i64) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(amount, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

async fn refusal(caller: &Client, report: ReportOutcomeRequest) -> Refusal {
    Refusal::of(&caller.tell(report).await.unwrap_err())
}

#[tokio::test]
async fn a_report_counts_once_whatever_is_sent_again() {
    let (_cluster, _admin, caller) = limited_to(100).await;
    let lease = caller.lease("p").await;
    let report = reporting(&lease, vec![success()]);
    assert!(!caller.tell(report.clone()).await.unwrap().duplicate);
    // Neither the same again nor another story about the same use.
    for sequence in [0, 1, 9_999] {
        for outcome in [success(), http(401, &[]), not_sent()] {
            let mut again = reporting(&lease, vec![outcome]);
            again.sequence = sequence;
            let answer = caller.tell(again).await.unwrap();
            assert_eq!(answer.duplicate, sequence == 0);
            assert_eq!(answer.exhausted, sequence != 0);
            let health = answer.verdicts[0].health.as_ref().unwrap();
            assert_eq!(health.state(), HealthState::Active);
        }
    }
    caller.lease("p").await;
}

#[tokio::test]
async fn only_the_caller_that_leased_may_report() {
    let (cluster, admin, caller) = limited_to(100).await;
    let token = admin.create_lessee("other", "p").await;
    let other = cluster.client(0, &token).await;
    let lease = caller.lease("p").await;
    let report = reporting(&lease, vec![http(401, &[])]);
    for stranger in [&other, &admin] {
        let refused = refusal(stranger, report.clone()).await;
        refused.is(Code::PermissionDenied, "LEASE_FOREIGN");
    }
    assert_eq!(admin.status("p").await.keys_serving, 1);
    // Another token of the same caller is the same caller.
    let second = admin.create_token("search").await.text;
    let same = cluster.client(0, &second).await;
    assert!(!same.tell(report).await.unwrap().duplicate);
}

#[tokio::test]
async fn lease_ids_cannot_be_made_up_cut_or_stretched() {
    let (cluster, admin, caller) = limited_to(100).await;
    let lease = caller.lease("p").await;
    for lease_id in forged(&lease.lease_id).await {
        let report = ReportOutcomeRequest {
            lease_id: lease_id.clone(),
            outcomes: vec![http(401, &[])],
            ..Default::default()
        };
        let refused = refusal(&caller, report).await;
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::InvalidArgument, "LEASE_ID_INVALID"),
            "{lease_id}"
        );
        assert_eq!(refused.fields, ["lease_id"]);
    }
    assert_eq!(admin.status("p").await.keys_serving, 1);
    drop(cluster);
}

/// What looks like this lease id: made up, cut, stretched, with single characters changed, and one of another cluster.
pub(crate) async fn forged(id: &str) -> Vec<String> {
    let mut forged: Vec<String> = vec![
        "x".to_owned(),
        "!".repeat(80),
        "A".repeat(1_024),
        id.repeat(2),
        format!("{id}A"),
    ];
    for place in [0, 1, 5, 20, id.len() / 2, id.len() - 1] {
        let is_a = id[place..].starts_with('A');
        let other = if is_a { "B" } else { "A" };
        forged.push(format!("{}{other}{}", &id[..place], &id[place + 1..]));
        forged.push(id[..place.max(1)].to_owned());
    }
    forged.push(foreign(&Cluster::start().await).await);
    forged
}

/// A lease id of another cluster.
async fn foreign(cluster: &Cluster) -> String {
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.client(0, &token).await.lease("p").await.lease_id
}

#[tokio::test]
async fn a_report_after_the_end_of_its_lease_is_too_late() {
    let (_cluster, admin, caller) = limited_to(100).await;
    let request = LeaseKeyRequest {
        lease_duration: Some(span(Duration::from_secs(1))),
        ..of("p")
    };
    let lease = caller.ask(request).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let refused = refusal(&caller, reporting(&lease, vec![http(401, &[])])).await;
    let refused = refused.is(Code::FailedPrecondition, "LEASE_EXPIRED");
    for part in ["the lease ended at 20", "lease again"] {
        assert!(refused.message.contains(part), "{}", refused.message);
    }
    assert_eq!(admin.status("p").await.keys_serving, 1);
}

#[tokio::test]
async fn a_report_that_does_not_add_up_changes_nothing() {
    let (_cluster, admin, caller) = limited_to(100).await;
    let lease = caller.lease("p").await;
    let told = |outcomes: Vec<Outcome>| reporting(&lease, outcomes);
    let many = |count: usize| vec![http(401, &[]); count];
    let mut numbered = told(many(1));
    numbered.sequence = -1;
    let mut nameless = told(many(1));
    nameless.lease_id.clear();
    for (report, field) in [
        (told(vec![]), "outcomes"),
        (told(many(2)), "outcomes"),
        (told(many(101)), "outcomes"),
        (told(vec![times(0, http(401, &[]))]), "outcomes[0].count"),
        (
            told(vec![times(i32::MAX, http(401, &[]))]),
            "outcomes[0].count",
        ),
        (told(vec![Outcome::default()]), "outcomes[0]"),
        (told(vec![http(99, &[])]), "outcomes[0].http.status"),
        (told(vec![http(600, &[])]), "outcomes[0].http.status"),
        (numbered, "sequence"),
        (nameless, "lease_id"),
    ] {
        let refused = refusal(&caller, report).await;
        let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, [field]);
    }
    assert_eq!(admin.status("p").await.keys_serving, 1);
    assert!(!caller.tell(told(vec![success()])).await.unwrap().duplicate);
}

#[tokio::test]
async fn what_is_not_understood_is_named_and_what_is_understood_is_acted_on() {
    let (_cluster, admin, caller) = limited_to(100).await;
    let lease = caller.lease("p").await;
    let outcome = Outcome {
        usage: Some(Usage {
            input_tokens: -5,
            requests: 3,
            cost_micros: -9,
            model: "other\u{7}".to_owned(),
            ..Default::default()
        }),
        latency: Some(span(Duration::from_hours(25))),
        started_after: Some(span(Duration::from_millis(5))),
        ..http(
            401,
            &[
                ("x", &"y".repeat(50_000)),
                ("retry-after", &"9".repeat(9_000)),
            ],
        )
    };
    let answer = caller.tell(reporting(&lease, vec![outcome])).await.unwrap();
    let health = answer.verdicts[0].health.as_ref().unwrap();
    assert_eq!(health.state(), HealthState::Dead);
    let mut named = answer.unsupported;
    named.sort();
    assert_eq!(
        named,
        [
            "outcomes[0].latency",
            "outcomes[0].usage.cost_micros",
            "outcomes[0].usage.input_tokens",
            "outcomes[0].usage.model",
            "outcomes[0].usage.requests",
        ]
    );
    assert_eq!(admin.status("p").await.keys_dead, 1);
}
