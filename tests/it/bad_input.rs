//! What no limit can be and no lease can ask for, at running replicas: each is refused by its kind, and nothing is changed.

use std::time::{Duration, Instant};

use keylease::proto::limit::Window;
use keylease::proto::{
    CalendarPeriod, CalendarWindow, CreateLimitRequest, Estimate, LeaseKeyRequest, Limit,
    ListLimitsRequest,
};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::not_sent;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests, span, tokens};

const DAY: Duration = Duration::from_hours(24);
/// Longer than a test: what is given back comes back by a report or not at all.
const LONG: Duration = Duration::from_mins(30);

/// Two replicas, and the pool `p` whose account has this limit.
async fn limited_by(limit: Limit) -> (Cluster, Client, [Client; 2]) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", limit).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ];
    (cluster, admin, callers)
}

async fn number(cluster: &Cluster, query: &'static str) -> i64 {
    let number = sqlx::query_scalar(query).fetch_one(&cluster.database.pool);
    number.await.unwrap()
}

/// Changes of the configuration, limits, and units that are charged.
async fn state(cluster: &Cluster) -> [i64; 3] {
    [
        number(cluster, "select rev from cluster").await,
        number(cluster, "select count(*) from limits").await,
        charged(cluster).await,
    ]
}

async fn charged(cluster: &Cluster) -> i64 {
    let query = "select coalesce(sum(units), 0)::bigint from limit_blocks";
    number(cluster, query).await
}

fn rolling(seconds: i64) -> Limit {
    Limit {
        window: Some(Window::Rolling(prost_types::Duration { seconds, nanos: 0 })),
        ..requests(5, MINUTE)
    }
}

fn daily(time_zone: &str) -> Limit {
    Limit {
        window: Some(Window::Calendar(CalendarWindow {
            period: CalendarPeriod::Day.into(),
            time_zone: time_zone.to_owned(),
        })),
        ..requests(5, MINUTE)
    }
}

#[tokio::test]
async fn limits_that_cannot_be_are_refused_by_the_name_of_their_field() {
    let (cluster, admin, callers) = limited_by(requests(100, MINUTE)).await;
    let create = async |id: &str, limit: Limit| {
        let request = CreateLimitRequest {
            parent: "accounts/a".to_owned(),
            limit_id: id.to_owned(),
            limit: Some(limit),
            ..Default::default()
        };
        let created = admin.admin.clone().create_limit(request).await;
        Refusal::of(&created.unwrap_err())
    };
    let before = state(&cluster).await;
    let amounts = [0, -1, i64::MIN, 1_000_000_000_001, i64::MAX];
    let amounts = amounts.map(|amount| (requests(amount, MINUTE), "limit.amount"));
    let windows = [0, -1, i64::MIN, 31 * 86_400, i64::MAX];
    let windows = windows.map(|seconds| (rolling(seconds), "limit.rolling"));
    let zones = ["", "Mars/Olympus", "UTC+2"];
    let zones = zones.map(|zone| (daily(zone), "limit.calendar.time_zone"));
    for (limit, field) in amounts.into_iter().chain(windows).chain(zones) {
        let refused = create("other", limit).await;
        let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, [field]);
    }
    let again = create("l100", requests(7, MINUTE)).await;
    let again = again.is(Code::AlreadyExists, "RESOURCE_EXISTS");
    assert!(
        again.message.contains("accounts/a/limits/l100"),
        "{again:?}"
    );
    assert_eq!(state(&cluster).await, before);
    let request = ListLimitsRequest {
        parent: "accounts/a".to_owned(),
        ..Default::default()
    };
    let limits = admin.admin.clone().list_limits(request).await.unwrap();
    let amounts = limits.into_inner().limits;
    let amounts: Vec<i64> = amounts.iter().map(|limit| limit.amount).collect();
    assert_eq!(amounts, [100]);
    callers[0].lease("p").await;
}

#[tokio::test]
async fn leases_that_cannot_be_are_refused_at_once_however_long_they_would_wait() {
    let (cluster, admin, callers) = limited_by(tokens(5_000, DAY)).await;
    let patient = LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: 4_000,
            ..Default::default()
        }),
        max_wait: Some(span(Duration::from_secs(50))),
        ..of("p")
    };
    let before = state(&cluster).await;
    for requests in [0, -1, i32::MIN, 1_001, 1_000_000_000, i32::MAX] {
        let request = LeaseKeyRequest {
            requests: Some(requests),
            ..patient.clone()
        };
        let refused = callers[0].refused(request).await;
        let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["requests"], "{requests}");
    }
    let request = LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(61))),
        ..patient.clone()
    };
    let refused = callers[0].refused(request).await;
    let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refused.fields, ["max_wait"]);
    let began = Instant::now();
    let large = LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: 5_001,
            ..Default::default()
        }),
        ..patient.clone()
    };
    let refused = callers[0].refused(large).await;
    let refused = refused.is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
    assert_eq!(refused.retry, None);
    assert!(began.elapsed() < Duration::from_secs(25), "it waited");
    assert_eq!(state(&cluster).await, before);
    // Nothing was taken, so that all of it can be.
    callers[1].ask(patient).await.unwrap();
    let per_model = Limit {
        models: vec!["gpt-4o*".to_owned()],
        ..requests(10, MINUTE)
    };
    admin.create_limit("a", per_model).await;
    cluster.settled().await;
    // What the lease left of its block comes back when that closes.
    let query = "select count(*) from limit_blocks where not closed";
    let closed = async || number(&cluster, query).await == 0;
    eventually("its block is closed", closed).await;
    let before = state(&cluster).await;
    let refused = callers[0].refused(of("p")).await;
    refused.is(Code::FailedPrecondition, "MODEL_REQUIRED");
    assert_eq!(state(&cluster).await, before);
}

#[tokio::test]
async fn a_report_at_the_same_moment_on_two_replicas_takes_effect_once() {
    let (cluster, _admin, callers) = limited_by(requests(80, LONG)).await;
    let request = LeaseKeyRequest {
        requests: Some(8),
        max_wait: Some(span(Duration::from_secs(10))),
        ..of("p")
    };
    let lease = callers[0].ask(request).await.unwrap();
    assert_eq!(lease.granted, 8);
    // Demand is forgotten by then, so that nothing is reserved for more of it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let query = "select coalesce(sum(units), 0)::bigint from limit_blocks having bool_and(closed)";
    let closed = async || {
        let units = sqlx::query_scalar(query).fetch_optional(&cluster.database.pool);
        units.await.unwrap() == Some(8_i64)
    };
    eventually("the block is closed", closed).await;
    let report = reporting(&lease, vec![not_sent()]);
    let told = tokio::join!(
        callers[0].tell(report.clone()),
        callers[1].tell(report.clone())
    );
    // Each replica answers by what came to it; who gave the lease counts what both have heard.
    assert!(!told.0.unwrap().exhausted && !told.1.unwrap().exhausted);
    let back = async || charged(&cluster).await == 7;
    eventually("the permit of one use comes back", back).await;
    let carried = async || number(&cluster, "select count(*) from foreign_reports").await == 0;
    eventually("the report has come to whoever gave the lease", carried).await;
    for caller in &callers {
        let again = caller.tell(report.clone()).await.unwrap();
        assert!(again.duplicate && again.verdicts.len() == 1, "{again:?}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(charged(&cluster).await, 7);
}
