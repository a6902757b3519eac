//! Ten thousand reports that lie in every way: by one caller against its own pool, and by two who collude in another pool of the same
//! provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keylease::proto::{
    HealthPolicy, IncidentKind, LeaseKeyResponse, Pool, PoolStatus, RefusalReason,
    ReportOutcomeRequest,
};
use tokio::task::JoinHandle;
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::lies::lie;
use crate::harness::outcomes::success;
use crate::harness::setup::{of_targets, span};

const REPORTS: usize = 10_000;
const LEASES: usize = 132;
const OWN: [&str; 3] = ["a", "b", "c"];

/// What is quarantined is back in a second; what is confirmed stays for a day.
fn policy() -> HealthPolicy {
    HealthPolicy {
        quarantine: Some(span(Duration::from_secs(1))),
        unhealthy_ttl: Some(span(Duration::from_secs(1))),
        recovery_ramp: Some(span(Duration::ZERO)),
        ..Default::default()
    }
}

/// The pools `p` and `q` of accounts of their own at the same provider, on two replicas.
async fn of_two_pools() -> (Cluster, Client) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    for (pool, accounts) in [("p", &OWN[..]), ("q", &["d", "e"])] {
        for account in accounts {
            admin.create_account_and_key(account).await;
        }
        let pool_of = Pool {
            health_policy: Some(policy()),
            ..of_targets(accounts)
        };
        admin.create_pool_of(pool, pool_of).await;
    }
    (cluster, admin)
}

/// A caller by this name, at each replica.
async fn callers(cluster: &Cluster, admin: &Client, name: &str, pool: &str) -> [Client; 2] {
    let token = admin.create_lessee(name, pool).await;
    cluster.settled().await;
    [
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ]
}

/// Tells of a success, again where the database was too busy with what it is told else.
async fn told(caller: &Client, lease: &LeaseKeyResponse) {
    while let Err(status) = caller.tell(reporting(lease, vec![success()])).await {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
}

/// Uses the pool `p` at both replicas until it is told to stop. Answers how often it was refused.
fn busy(callers: [Client; 2], stop: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let mut refusals = 0;
        while !stop.load(Ordering::Relaxed) {
            for caller in &callers {
                match caller.ask(of("p")).await {
                    Ok(lease) => told(caller, &lease).await,
                    Err(_) => refusals += 1,
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        refusals
    })
}

/// The nth of them: about own leases, again and again, about leases of others, and about such as never were.
fn hostile(n: usize, own: &[LeaseKeyResponse], foreign: &LeaseKeyResponse) -> ReportOutcomeRequest {
    let lease = if n % 7 == 6 {
        foreign
    } else {
        &own[n % own.len()]
    };
    let mut report = ReportOutcomeRequest {
        sequence: i32::try_from(n / own.len()).unwrap(),
        ..reporting(lease, vec![lie(n % own.len())])
    };
    if n % 5 == 4 {
        let place = n % report.lease_id.len();
        let other = if report.lease_id[place..].starts_with('A') {
            "B"
        } else {
            "A"
        };
        report.lease_id.replace_range(place..=place, other);
    }
    report
}

/// All of them, by each of these, from leases that all had before.
async fn lies(liars: &[Client], pool: &str, foreign: &LeaseKeyResponse) {
    let mut had = Vec::new();
    for liar in liars {
        let mut own = Vec::new();
        for _ in 0..LEASES / liars.len() {
            own.push(liar.lease(pool).await);
        }
        had.push((liar.clone(), own));
    }
    let (mut tasks, each) = (tokio::task::JoinSet::new(), REPORTS / liars.len());
    for (at, (liar, own)) in had.into_iter().enumerate() {
        let foreign = foreign.clone();
        tasks.spawn(async move {
            for n in 0..each {
                let _ = liar.tell(hostile(n + at, &own, &foreign)).await;
            }
        });
    }
    tasks.join_all().await;
}

fn is_well(status: &PoolStatus) -> bool {
    // That keys die together, and that a way is barred, is told; it takes out none.
    let mut told = status.incidents.iter();
    let is_shut = told.any(|incident| incident.kind() == IncidentKind::Breaker);
    let mut keys = status.keys.iter();
    status.keys_serving == 3 && !is_shut && keys.all(|key| key.account_cooldown.is_none())
}

async fn count(cluster: &Cluster, sql: &'static str) -> i64 {
    let pool = &cluster.database.pool;
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_liar_shuts_nothing_for_longer_than_its_word_is_believed() {
    let (cluster, admin) = of_two_pools().await;
    let honest = callers(&cluster, &admin, "honest", "p").await;
    let liars = callers(&cluster, &admin, "liar", "p").await;
    let foreign = honest[0].lease("p").await;
    let stop = Arc::new(AtomicBool::new(false));
    let using = busy(honest.clone(), &stop);
    lies(&liars, "p", &foreign).await;
    let well = async || is_well(&admin.status("p").await);
    eventually("all is well again", well).await;
    stop.store(true, Ordering::Relaxed);
    using.await.unwrap();
    // Nothing it said was ever taken for more than its word.
    let died = "select count(*) from health_changes where to_health = 'dead' and accuser is null";
    assert_eq!(count(&cluster, died).await, 0);
    let long = "select count(*) from cooldowns where accuser is null and until > now() + interval '10 minutes'";
    assert_eq!(count(&cluster, long).await, 0);
    let keys = "select count(*) from health_changes
        where to_health = 'cooling' and accuser is null and until > change_time + interval '10 minutes'";
    assert_eq!(count(&cluster, keys).await, 0);
    for caller in &honest {
        caller.lease("p").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_collude_in_another_pool_change_nothing_for_this_one() {
    let (cluster, admin) = of_two_pools().await;
    let honest = callers(&cluster, &admin, "honest", "p").await;
    let first = callers(&cluster, &admin, "first", "q").await;
    let second = callers(&cluster, &admin, "second", "q").await;
    let foreign = honest[0].lease("p").await;
    let stop = Arc::new(AtomicBool::new(false));
    let using = busy(honest.clone(), &stop);
    let liars = [first, second].concat();
    lies(&liars, "q", &foreign).await;
    stop.store(true, Ordering::Relaxed);
    assert_eq!(using.await.unwrap(), 0, "refusals");
    let status = admin.status("p").await;
    assert!(is_well(&status), "{status:?}");
    for caller in &honest {
        caller.lease("p").await;
    }
    // They have no keys of their own any more.
    let refused = liars[0].refused(of("q")).await;
    assert_eq!(refused.count(RefusalReason::Provider), 0);
}
