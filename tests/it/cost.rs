//! Spend: what is reported is priced and summed, once, over replicas and restarts.

use keylease::proto::{
    self, CostRow, GetCostRequest, LeaseKeyRequest, LeaseKeyResponse, Outcome, Usage,
};
use prost_types::Timestamp;
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, not_sent, success, times};

/// A cluster with the pool `p` of one account of OpenAI, a caller of it, and an administrator.
async fn cluster(replicas: usize) -> (Cluster, Client, String) {
    let cluster = Cluster::of(replicas).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    (cluster, admin, token)
}

/// A request for so many uses of a model by a team.
fn asking(model: &str, team: &str, requests: i32) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        requests: Some(requests),
        tags: [("team".to_owned(), team.to_owned())].into(),
        ..of("p")
    }
}

fn using(input: i64, cached: i64, output: i64) -> Outcome {
    Outcome {
        usage: Some(Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: output,
            ..Default::default()
        }),
        ..success()
    }
}

/// The start of today.
fn today() -> Option<Timestamp> {
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Some(Timestamp {
        seconds: (seconds / 86_400 * 86_400).cast_signed(),
        nanos: 0,
    })
}

fn by(parts: &[&str]) -> GetCostRequest {
    GetCostRequest {
        start_time: today(),
        group_by: parts.iter().map(|part| (*part).to_owned()).collect(),
        ..Default::default()
    }
}

impl Client {
    async fn cost(&self, request: GetCostRequest) -> Vec<CostRow> {
        let answer = self.admin.clone().get_cost(request).await;
        answer.unwrap().into_inner().rows
    }

    /// Leases, and reports these outcomes there.
    async fn spend(&self, request: LeaseKeyRequest, outcomes: Vec<Outcome>) -> LeaseKeyResponse {
        let lease = self.ask(request).await.unwrap();
        self.tell(reporting(&lease, outcomes)).await.unwrap();
        lease
    }
}

/// The values of a group, its cost, its requests and those without a price.
fn told(row: &CostRow) -> (Vec<&str>, i64, i64, i64) {
    let values = row.group.values().map(String::as_str).collect();
    (values, row.cost_micros, row.requests, row.unpriced_requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_is_priced_and_summed_by_what_is_asked_for() {
    let (cluster, admin, token) = cluster(1).await;
    let caller = cluster.client(0, &token).await;
    let tokens = using(1_000, 400, 50);
    let lease = caller
        .spend(
            asking("gpt-4o-2024-08-06", "search", 2),
            vec![times(2, tokens)],
        )
        .await;
    let again = reporting(&lease, vec![times(2, using(9, 0, 9))]);
    assert!(caller.tell(again).await.unwrap().duplicate);
    let stated = Outcome {
        usage: Some(Usage {
            cost_micros: 77,
            model: "some-model".to_owned(),
            ..Default::default()
        }),
        ..success()
    };
    caller.spend(asking("gpt-4o", "ads", 1), vec![stated]).await;
    caller
        .spend(asking("no-price", "ads", 1), vec![using(5, 0, 5)])
        .await;
    caller
        .spend(asking("gpt-4o", "ads", 2), vec![not_sent(), http(500, &[])])
        .await;
    // 600 of $2.50, 400 of $1.25 and 50 of $10 a million, twice.
    let each = 1_500 + 500 + 500;
    let rows = admin.cost(by(&["pool", "model", "caller"])).await;
    let rows: Vec<_> = rows.iter().map(told).collect();
    // By name of what was asked for: caller, model, pool.
    assert_eq!(
        rows,
        [
            (vec!["callers/search", "gpt-4o", "pools/p"], 0, 1, 0),
            (
                vec!["callers/search", "gpt-4o-2024-08-06", "pools/p"],
                2 * each,
                2,
                0
            ),
            (vec!["callers/search", "no-price", "pools/p"], 0, 1, 1),
            (vec!["callers/search", "some-model", "pools/p"], 77, 1, 0),
        ]
    );
    let rows = admin.cost(by(&["account", "tag.team"])).await;
    let rows: Vec<_> = rows.iter().map(told).collect();
    let account = "accounts/a";
    assert_eq!(
        rows,
        [
            (vec![account, "ads"], 77, 3, 1),
            (vec![account, "search"], 2 * each, 2, 0)
        ]
    );
    let only = GetCostRequest {
        tags: [("team".to_owned(), "search".to_owned())].into(),
        model: "gpt-4o-2024-08-06".to_owned(),
        pool: "pools/p".to_owned(),
        ..by(&[])
    };
    let rows = admin.cost(only).await;
    assert_eq!(
        (
            rows[0].input_tokens,
            rows[0].cached_input_tokens,
            rows[0].output_tokens
        ),
        (2_000, 800, 100)
    );
    let nothing = GetCostRequest {
        caller: "callers/nobody".to_owned(),
        ..by(&[])
    };
    assert_eq!(admin.cost(nothing).await, [CostRow::default()]);
    let metrics = cluster.replicas[0].metrics().await;
    assert!(
        !metrics.contains("team") && !metrics.contains("ads"),
        "a tag is no label"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_was_set_holds_for_what_is_reported_after_it() {
    let (cluster, admin, token) = cluster(2).await;
    let (here, there) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    here.spend(asking("house-model", "x", 1), vec![using(1, 0, 0)])
        .await;
    let price = proto::Price {
        profile: "openai".to_owned(),
        model: "house-*".to_owned(),
        input_micros: 1_000_001,
        ..Default::default()
    };
    let request = proto::SetPriceRequest {
        price: Some(price),
        ..Default::default()
    };
    admin.admin.clone().set_price(request).await.unwrap();
    cluster.settled().await;
    // Rounded up: a micro and a millionth of one are two.
    there
        .spend(asking("house-model", "x", 1), vec![using(1, 0, 0)])
        .await;
    let there = cluster.client(1, &cluster.admin_token).await;
    there.cost(by(&[])).await;
    let rows = admin.cost(by(&["model"])).await;
    assert_eq!(told(&rows[0]), (vec!["house-model"], 2, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_to_another_replica_counts_once() {
    let (cluster, admin, token) = cluster(2).await;
    let (here, there) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    let lease = here.ask(asking("gpt-4o", "x", 1)).await.unwrap();
    // Its answer was lost, say, so the caller tells the other replica too.
    for replica in [&there, &here, &there] {
        let report = reporting(&lease, vec![using(1_000_000, 0, 0)]);
        replica.tell(report).await.unwrap();
    }
    let counted = async || !admin.cost(by(&["pool"])).await.is_empty();
    eventually("the report has been counted", counted).await;
    // Long enough for a second one to come by the database.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let rows = admin.cost(by(&["pool"])).await;
    assert_eq!(told(&rows[0]), (vec!["pools/p"], 2_500_000, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_ends_writes_what_was_spent_and_others_take_over_its_leases() {
    let (mut cluster, _, token) = cluster(2).await;
    let (here, there) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    let late = here.ask(asking("gpt-4o", "late", 1)).await.unwrap();
    here.spend(asking("gpt-4o", "early", 1), vec![using(2_000_000, 0, 0)])
        .await;
    assert!(cluster.replicas[0].end("-TERM").await.status.success());
    let admin = cluster.client(1, &cluster.admin_token).await;
    let rows = admin.cost(by(&["tag.team"])).await;
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [(vec!["early"], 5_000_000, 1, 0)]
    );
    there
        .tell(reporting(&late, vec![using(1_000_000, 0, 0)]))
        .await
        .unwrap();
    let both = async || admin.cost(by(&["tag.team"])).await.len() == 2;
    eventually("the late report has been counted", both).await;
    let rows = admin.cost(by(&["tag.team"])).await;
    assert_eq!(told(&rows[1]), (vec!["late"], 2_500_000, 1, 0));
    cluster.add().await;
    let admin = cluster.client(2, &cluster.admin_token).await;
    let rows = admin.cost(by(&[])).await;
    assert_eq!(rows[0].cost_micros, 7_500_000, "the database has it all");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_sums_out_of_bounds_are_refused_by_name_and_lessees_see_no_sums() {
    let (cluster, admin, token) = cluster(1).await;
    let caller = cluster.client(0, &token).await;
    let long = "v".repeat(120);
    let tagged = |tags: &[(&str, &str)]| LeaseKeyRequest {
        tags: tags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        ..of("p")
    };
    for wrong in [
        tagged(&[("Team", "x")]),
        tagged(&[("a", &long), ("b", &long), ("c", &long)]),
        tagged(&["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(|k| (k, ""))),
    ] {
        let status = caller.ask(wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with("tags"), "{}", status.message());
    }
    // The longest that is allowed still travels, whatever the model is called.
    let longest = LeaseKeyRequest {
        model: "m".repeat(256),
        ..tagged(&[("a", &long), ("b", &long)])
    };
    let lease = caller.spend(longest, vec![using(1, 0, 1)]).await;
    assert!(lease.lease_id.len() <= 1_024);
    let rows = admin.cost(by(&["tag.a"])).await;
    assert_eq!(told(&rows[0]), (vec![long.as_str()], 0, 1, 1));
    let mut wrong = by(&["month"]);
    wrong.start_time.as_mut().unwrap().seconds += 1;
    let status = admin.admin.clone().get_cost(wrong).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = caller.admin.clone().get_cost(by(&[])).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}
