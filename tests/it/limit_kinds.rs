//! Limits on cost, limits that count by the calendar, and shadows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keylease::proto::limit::Window;
use keylease::proto::{
    CalendarPeriod, CalendarWindow, Estimate, LeaseKeyRequest, Limit, LimitDimension, LimitMode,
    LimitStatus, Usage,
};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{not_sent, success};
use crate::harness::setup::{MINUTE, of_targets, requests, span, tokens};

/// A cluster with the pool `p`, whose one account has these limits.
async fn limited_by(limits: Vec<Limit>) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    for limit in limits {
        admin.create_limit("a", limit).await;
    }
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

fn costs(amount: i64) -> Limit {
    Limit {
        dimension: LimitDimension::CostMicros.into(),
        ..requests(amount, MINUTE)
    }
}

fn costing(cost_micros: i64) -> LeaseKeyRequest {
    LeaseKeyRequest {
        estimate: Some(Estimate {
            input_tokens: 10,
            output_tokens_max: 10,
            cost_micros,
        }),
        max_wait: Some(span(Duration::from_secs(5))),
        ..of("p")
    }
}

fn shadow(limit: Limit) -> Limit {
    Limit {
        mode: LimitMode::Shadow.into(),
        ..limit
    }
}

/// The status of the account's first limit.
async fn status(admin: &Client) -> LimitStatus {
    admin.status("p").await.limits[0].clone()
}

#[tokio::test]
async fn costs_are_taken_by_estimate_and_settled_by_report() {
    let (_cluster, admin, caller) = limited_by(vec![costs(1_000)]).await;
    for silent in [of("p"), costing(0)] {
        let refused = caller.refused(silent).await;
        let refused = refused.is(Code::FailedPrecondition, "COST_REQUIRED");
        assert!(refused.message.contains("cost_micros"), "{refused:?}");
    }
    let large = caller.refused(costing(1_001)).await;
    large.is(Code::FailedPrecondition, "LARGER_THAN_LIMIT");
    for cost in [-1, 1_000_000_000_001] {
        let refused = caller.refused(costing(cost)).await;
        let refused = refused.is(Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refused.fields, ["estimate.cost_micros"]);
    }
    let costly = |cost_micros| {
        let usage = Usage {
            cost_micros,
            ..Default::default()
        };
        keylease::proto::Outcome {
            usage: Some(usage),
            ..success()
        }
    };
    let lease = caller.ask(costing(400)).await.unwrap();
    caller.report(&lease, costly(100)).await;
    let charged = async |units| status(&admin).await.charged == units;
    eventually("less is given back", async || charged(100).await).await;
    let lease = caller.ask(costing(400)).await.unwrap();
    caller.report(&lease, costly(700)).await;
    eventually("more is charged", async || charged(800).await).await;
    let refused = caller.refused(LeaseKeyRequest {
        max_wait: None,
        ..costing(201)
    });
    refused.await.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    caller.ask(costing(200)).await.unwrap();
}

#[tokio::test]
async fn a_pool_says_what_a_use_costs_where_its_callers_do_not() {
    let (cluster, admin, _) = limited_by(vec![costs(1_000)]).await;
    let mut pool = of_targets(&["a"]);
    pool.default_estimate = Some(Estimate {
        cost_micros: 250,
        ..Default::default()
    });
    admin.create_pool_of("priced", pool).await;
    let token = admin.create_lessee("other", "priced").await;
    let caller = cluster.client(0, &token).await;
    caller.lease("priced").await;
    let charged = async || status(&admin).await.charged == 250;
    eventually("the pool's estimate is charged", charged).await;
}

#[tokio::test]
async fn a_day_is_charged_to_its_end() {
    let day = Limit {
        window: Some(Window::Calendar(CalendarWindow {
            period: CalendarPeriod::Day.into(),
            time_zone: "UTC".to_owned(),
        })),
        ..requests(3, MINUTE)
    };
    let (_cluster, admin, caller) = limited_by(vec![day]).await;
    for _ in 0..3 {
        let lease = caller.lease("p").await;
        caller.report(&lease, success()).await;
    }
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let limit = status(&admin).await;
    assert_eq!(limit.charged, 3);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(now.as_secs()).unwrap();
    // Five seconds for clocks that differ, and the next midnight where this one is that close.
    let end = limit.next_charge_end_time.unwrap().seconds;
    assert_eq!(end.rem_euclid(86_400), 5, "{end}");
    let ahead = end - seconds;
    assert!(ahead > 0 && ahead <= 86_400 + 20, "{ahead}");
    // That is when a retry is told to come.
    let told = i64::try_from(refused.retry.unwrap().as_secs()).unwrap();
    assert!((ahead - 5..ahead + 10).contains(&told), "{told}, {ahead}");
}

#[tokio::test]
async fn a_shadow_counts_and_never_refuses() {
    let limits = vec![
        shadow(requests(4, MINUTE)),
        shadow(costs(5)),
        shadow(tokens(6, MINUTE)),
        shadow(Limit {
            dimension: LimitDimension::Concurrency.into(),
            amount: 1,
            ..Default::default()
        }),
    ];
    let (cluster, admin, caller) = limited_by(limits).await;
    // More than there is, larger than the limits, and without a cost.
    let mut leases = Vec::new();
    for _ in 0..30 {
        leases.push(caller.ask(of("p")).await.unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let of_kind = async |dimension: LimitDimension| {
        let status = admin.status("p").await;
        let mut limits = status.limits.into_iter();
        limits.find(|limit| limit.dimension() == dimension).unwrap()
    };
    let counted = async || of_kind(LimitDimension::Requests).await.charged == 30;
    eventually("all are counted", counted).await;
    let limit = of_kind(LimitDimension::Requests).await;
    assert_eq!((limit.remaining, limit.mode()), (0, LimitMode::Shadow));
    assert_eq!(of_kind(LimitDimension::CostMicros).await.charged, 0);
    assert!(of_kind(LimitDimension::Tokens).await.charged >= 60_000);
    assert!(of_kind(LimitDimension::Concurrency).await.charged > 1);
    let over = async || {
        let series = "keylease_units_over_total{account=\"a\",limit=\"l4\"}";
        cluster.replicas[0].metric(series).await > Some(0.0)
    };
    eventually("what would have been refused is told", over).await;
    // What nobody had said before counts when it is said.
    let usage = Usage {
        cost_micros: 700,
        ..Default::default()
    };
    let mut dear = success();
    dear.usage = Some(usage);
    caller.report(&leases.pop().unwrap(), dear).await;
    let charged = async || of_kind(LimitDimension::CostMicros).await.charged == 700;
    eventually("its cost is counted", charged).await;
    for lease in &leases {
        caller.report(lease, not_sent()).await;
    }
    let back = async || of_kind(LimitDimension::Concurrency).await.charged == 0;
    eventually("nothing is held", back).await;
}

#[tokio::test]
async fn a_shadow_tells_of_what_every_replica_let_pass() {
    let limit = shadow(requests(5, Duration::from_secs(5)));
    let (cluster, callers) = crate::concurrency::limited_by(limit, 3).await;
    let leases = callers.iter().cycle().take(30);
    for caller in leases {
        caller.lease("p").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let series = "keylease_units_over_total{account=\"a\",limit=\"l5\"}";
    let over = async || {
        let mut over = 0.0;
        for replica in &cluster.replicas {
            over += replica.metric(series).await.unwrap_or_default();
        }
        over
    };
    // All but the first five, or nearly all: what is granted and comes back unused is room for a moment.
    let told = async || over().await >= 20.0;
    eventually("nearly all that would have been refused is told", told).await;
    assert!(over().await <= 30.0, "{}", over().await);
}

#[tokio::test]
async fn a_shadow_that_is_enforced_refuses() {
    let (_cluster, admin, caller) = limited_by(vec![shadow(requests(2, MINUTE))]).await;
    for _ in 0..8 {
        caller.lease("p").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counted = async || status(&admin).await.charged >= 2;
    eventually("it has counted", counted).await;
    let enforced = Limit {
        mode: LimitMode::Enforce.into(),
        ..Default::default()
    };
    admin.update_limit("a", "l2", "mode", enforced).await;
    let refuses = async || caller.ask(of("p")).await.is_err();
    eventually("it refuses", refuses).await;
}
