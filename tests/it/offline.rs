//! Postgres stops for several seconds, and leases go on from the offline share: within it, and no longer than it was made for.

use std::time::{Duration, Instant};

use keylease::proto::{self, OfflineShare, OfflineStatus};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::setup::{MINUTE, requests, span};

const WINDOW: Duration = Duration::from_secs(2);
const OUTAGE_MAX: Duration = Duration::from_secs(4);
const SLOT_UNITS: usize = 10;

/// 40 in two seconds, of which two slots of 10 are kept.
fn shared() -> proto::Limit {
    proto::Limit {
        offline_share: Some(OfflineShare {
            percent: 50,
            slots: 2,
            outage_max: Some(span(OUTAGE_MAX)),
        }),
        ..requests(40, WINDOW)
    }
}

async fn offline(admin: &Client) -> OfflineStatus {
    admin.status("p").await.limits[0].offline.unwrap()
}

/// A lease was handed out between these two.
#[derive(Clone, Copy)]
struct Handed {
    asked: Instant,
    got: Instant,
}

/// Leases as fast as it gets them.
async fn leases(caller: Client, until: Instant) -> Vec<Handed> {
    let mut handed = Vec::new();
    while Instant::now() < until {
        let asked = Instant::now();
        if caller.ask(of("p")).await.is_ok() {
            let got = Instant::now();
            handed.push(Handed { asked, got });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    handed
}

/// The most that were handed out in one window, beyond doubt: how long an answer was under way says nothing about when it was given.
fn busiest(handed: &[Handed]) -> usize {
    let within = |first: usize| {
        let is_within = |last: &&Handed| last.got < handed[first].asked + WINDOW;
        handed[first..].iter().filter(is_within).count()
    };
    (0..handed.len()).map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn an_outage_is_served_from_the_slots_and_not_beyond_them() {
    let cluster = Cluster::alone(2).await;
    let admin = cluster.admin().await;
    let other = cluster.client(1, &cluster.admin_token).await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", shared()).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "*").await;
    cluster.settled().await;
    assert_eq!(
        offline(&admin).await.slot_left,
        0,
        "a slot was taken at once"
    );
    let ready = async || {
        let (one, two) = (offline(&admin).await, offline(&other).await);
        let left = SLOT_UNITS as i64;
        (one.slot_left, two.slot_left) == (left, left) && one.slot != two.slot
    };
    eventually("each replica has a slot that it may serve from", ready).await;

    cluster.database.signal_server("-STOP");
    let stopped = Instant::now();
    let first = leases(cluster.client(0, &token).await, stopped + OUTAGE_MAX * 2);
    let second = leases(cluster.client(1, &token).await, stopped + OUTAGE_MAX * 2);
    let (first, second) = tokio::join!(first, second);
    for got in [&first, &second] {
        // What was in hand when it stopped, if anything, was of the ledger.
        assert!(
            got.len() >= SLOT_UNITS,
            "only {} leases in the outage",
            got.len()
        );
        assert!(busiest(got) <= SLOT_UNITS, "{} in a window", busiest(got));
        let last = got[got.len() - 1].asked;
        assert!(last < stopped + OUTAGE_MAX, "{:?}", last - stopped);
    }
    let caller = cluster.client(0, &token).await;
    let refused = caller.refused(of("p")).await;
    refused.is(Code::Unavailable, "DATABASE_UNREACHABLE");

    cluster.database.signal_server("-CONT");
    let serves = async || caller.ask(of("p")).await.is_ok();
    eventually("the ledger serves again", serves).await;
    let served = "keylease_units_offline_total{account=\"a\",limit=\"l40\"}";
    let counted = async || {
        // What was in hand when it stopped was of the ledger, and the first call after it may have been served from the slot still.
        let served = cluster.replicas[0].metric(served).await;
        served.is_some_and(|served| served > 0.0 && served <= (first.len() + 1) as f64)
    };
    eventually("what was served is counted", counted).await;
}

#[tokio::test]
async fn a_limit_that_cannot_have_a_share_is_refused_by_name() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let create = async |limit: proto::Limit| {
        let request = proto::CreateLimitRequest {
            parent: "accounts/a".to_owned(),
            limit_id: "refused".to_owned(),
            limit: Some(limit),
            ..Default::default()
        };
        admin.admin.clone().create_limit(request).await.unwrap_err()
    };
    let long = proto::Limit {
        offline_share: shared().offline_share,
        ..requests(1_000, MINUTE * 60)
    };
    let concurrency = proto::Limit {
        window: None,
        dimension: proto::LimitDimension::Concurrency.into(),
        ..shared()
    };
    let small = proto::Limit {
        amount: 3,
        ..shared()
    };
    let shadow = proto::Limit {
        mode: proto::LimitMode::Shadow.into(),
        ..shared()
    };
    for (limit, remedy) in [
        (long, "leave it out"),
        (concurrency, "leave it out"),
        (small, "at least 4"),
        (shadow, "leave it out"),
    ] {
        let status = create(limit).await;
        let details = tonic_types::StatusExt::get_error_details(&status);
        let field = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(
            (status.code(), field.field.as_str()),
            (Code::InvalidArgument, "limit.offline_share")
        );
        assert!(field.description.contains(remedy), "{field:?}");
    }
}
