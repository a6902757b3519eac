//! The promise itself: two replicas, twenty callers, one limit. The provider counts what arrives, and no window holds more.
//!
//! The name puts it first among the tests: most of it is waiting, which others can use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stand_in::{Limit, RunningProvider};
use tokio::task::JoinSet;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::not_sent;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{duration, requests};
use crate::harness::upstream::{provider, spend};

const KEYS: [&str; 2] = ["sk-acme-000000000001", "sk-acme-000000000002"];
const CALLERS: usize = 20;

/// A limit, at the provider and in the vault, and two replicas.
struct Bench {
    cluster: Cluster,
    provider: RunningProvider,
    token: String,
}

/// What all callers share.
struct Work {
    stop: AtomicBool,
    /// Leases that came too late to be used.
    late: AtomicU64,
    /// A refused caller asks again when it was told to, or sooner.
    pause_max: Duration,
    http: reqwest::Client,
}

impl Bench {
    async fn of(amount: u64, window: Duration) -> Self {
        let window_ms = u64::try_from(window.as_millis()).unwrap();
        let provider = provider(Limit { amount, window_ms }, &KEYS).await;
        let cluster = Cluster::logging(2, "info").await;
        let admin = cluster.admin().await;
        admin.create_account("acme", &provider.base_url()).await;
        for (key, value) in ["first", "second"].iter().zip(KEYS) {
            admin.create_key("acme", key, value).await;
        }
        let amount = i64::try_from(amount).unwrap();
        admin.create_limit("acme", requests(amount, window)).await;
        admin.create_pool("p", &["acme"]).await;
        let token = admin.create_lessee("search", "p").await;
        cluster.settled().await;
        Self {
            cluster,
            provider,
            token,
        }
    }

    /// Twenty callers, half of them at each replica, who lease and spend until they are told to stop.
    async fn callers(&self, pause_max: Duration) -> (Arc<Work>, JoinSet<()>) {
        let work = Arc::new(Work {
            stop: AtomicBool::new(false),
            late: AtomicU64::new(0),
            pause_max,
            http: reqwest::Client::new(),
        });
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let client = self.cluster.client(caller % 2, &self.token).await;
            callers.spawn(lease_and_spend(client, Arc::clone(&work)));
        }
        (work, callers)
    }

    /// Checks the promise, by what the provider counted.
    async fn check(self, work: &Work, used_at_least: u64) {
        let counts = self.provider.shutdown().await;
        let acme = counts.account("acme").unwrap();
        let late = work.late.load(Ordering::Relaxed);
        let told = format!("{:?}, of {acme:?}, late {late}", acme.requests);
        assert!(acme.requests.exact, "{told}");
        assert!(
            acme.requests.busiest_window <= acme.requests.amount,
            "{told}"
        );
        assert!(acme.requests.busiest_window >= used_at_least, "{told}");
        assert_eq!(
            (acme.rate_limited, acme.unauthorized, acme.failed),
            (0, 0, 0),
            "{told}"
        );
        assert_eq!(counts.unknown_keys, 0);
        assert!(acme.keys.iter().all(|key| key.succeeded > 0), "{told}");
    }
}

/// One caller that does as the contract says: it starts in time or reports that it did not.
async fn lease_and_spend(client: Client, work: Arc<Work>) {
    while !work.stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        match client.ask(of("p")).await {
            Ok(lease) => {
                // A margin for what is not yet the first byte on the wire.
                let start_within = duration(lease.start_within) * 3 / 4;
                let outcome = if asked.elapsed() < start_within {
                    spend(&work.http, &lease).await
                } else {
                    work.late.fetch_add(1, Ordering::Relaxed);
                    not_sent()
                };
                // Its replica may be gone by now.
                let report = crate::harness::client::reporting(&lease, vec![outcome]);
                let _ = client.tell(report).await;
            }
            Err(status) if status.details().is_empty() => return,
            Err(status) => {
                let refusal = Refusal::of(&status);
                assert_eq!(refusal.reason, "LIMIT_EXHAUSTED", "{refusal:?}");
                let pause = refusal.retry.unwrap().min(work.pause_max);
                tokio::time::sleep(pause).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_holds_600_requests_and_the_next_one_too() {
    let bench = Bench::of(600, Duration::from_mins(1)).await;
    let (work, mut callers) = bench.callers(Duration::from_secs(2)).await;
    // Two windows whole, and the beginning of a third: what is given too early is given at their borders.
    tokio::time::sleep(Duration::from_secs(130)).await;
    work.stop.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    let arrived = bench
        .provider
        .counts()
        .account("acme")
        .unwrap()
        .requests
        .arrived;
    // Both windows were used, not the first alone.
    assert!(arrived >= 1_080, "{arrived}");
    bench.check(&work, 540).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rolling_window_holds_more_also_when_a_replica_is_killed() {
    let bench = Bench::of(80, Duration::from_secs(4)).await;
    let (work, mut callers) = bench.callers(Duration::from_millis(50)).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    bench.cluster.replicas[1].signal("-KILL");
    tokio::time::sleep(Duration::from_secs(7)).await;
    work.stop.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    bench.check(&work, 56).await;
}
