//! The journal of leases: what each mode records, and that strict leaks no unrecorded secret.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use keylease::proto::{JournalMode, LeaseKeyRequest};
use tokio::task::JoinSet;
use tonic::Code;

use crate::harness::audited::{Audited, set_journal as set};
use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};

/// How a lease id begins in the journal.
const BEGINNING: usize = 35;

async fn column(cluster: &Cluster, query: &'static str) -> Vec<String> {
    let rows = sqlx::query_scalar(query);
    rows.fetch_all(&cluster.database.pool).await.unwrap()
}

async fn recorded(cluster: &Cluster) -> HashSet<String> {
    let rows = column(
        cluster,
        "select lease from lease_journal where kind = 'lease'",
    )
    .await;
    rows.into_iter().collect()
}

#[tokio::test]
async fn leases_are_counted_unless_the_pool_says_otherwise() {
    let (cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    for _ in 0..5 {
        caller.lease("p").await;
    }
    let counts = "select pool || ' ' || key || ' ' || caller || ' ' || sum(leases) || ' ' || sum(uses) from lease_journal
        where kind = 'rollup' group by pool, key, caller";
    let wanted = ["pools/p accounts/a/keys/main callers/search 5 5"];
    let key = caller.lease("p").await.key;
    let wanted = [wanted[0]
        .replace("accounts/a/keys/main", &key)
        .replace("5 5", "6 6")];
    eventually("leases are counted", async || {
        column(&cluster, counts).await == wanted
    })
    .await;
    set(&admin, JournalMode::Off).await;
    caller.lease("p").await;
    set(&admin, JournalMode::Full).await;
    let request = LeaseKeyRequest {
        tags: [("team".to_owned(), "search".to_owned())].into(),
        ..of("p")
    };
    let lease = caller.ask(request).await.unwrap();
    let one =
        "select lease || ' ' || tags || ' ' || version from lease_journal where kind = 'lease'";
    let wanted = [format!(
        "{} {{\"team\":\"search\"}} 1",
        &lease.lease_id[..BEGINNING]
    )];
    eventually("a lease is recorded", async || {
        column(&cluster, one).await == wanted
    })
    .await;
    assert_eq!(column(&cluster, counts).await.len(), 1);
    assert!(!cluster.database.dump().await.contains(&lease.lease_id));
}

#[tokio::test]
async fn every_strict_lease_that_was_answered_is_recorded_though_the_replica_is_killed() {
    let (mut cluster, admin, caller) = Cluster::serving(&["a", "b"], "p").await;
    set(&admin, JournalMode::Strict).await;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let caller = caller.clone();
        callers.spawn(async move {
            let mut answered = Vec::new();
            while let Ok(lease) = caller.ask(of("p")).await {
                answered.push(lease.lease_id[..BEGINNING].to_owned());
            }
            answered
        });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.replicas[0].end("-KILL").await;
    let answered: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<_> = answered.iter().collect();
    assert_eq!(distinct.len(), answered.len());
    assert!(answered.len() > 50, "{}", answered.len());
    let recorded = recorded(&cluster).await;
    let lost: Vec<_> = answered
        .iter()
        .filter(|lease| !recorded.contains(*lease))
        .collect();
    assert!(lost.is_empty(), "{lost:?} of {}", answered.len());
    Audited { cluster }.is_intact();
}

#[tokio::test]
async fn without_its_database_a_strict_pool_lets_no_secret_out_and_a_counting_one_goes_on() {
    let mut cluster = Cluster::alone(1).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    admin.create_pool("counted", &["a"]).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    set(&admin, JournalMode::Strict).await;
    let before = caller.lease("p").await;
    cluster.database.signal_server("-STOP");
    let began = Instant::now();
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::Unavailable, "JOURNAL_BEHIND");
    assert!(refused.retry.is_some() && began.elapsed() < Duration::from_secs(5));
    caller.ask(of("counted")).await.unwrap();
    cluster.database.signal_server("-CONT");
    let leased = async || caller.ask(of("p")).await.ok();
    let after = crate::harness::cluster::eventually_some("it leases again", leased).await;
    let recorded = recorded(&cluster).await;
    for lease in [before, after] {
        assert!(recorded.contains(&lease.lease_id[..BEGINNING]));
    }
    cluster.replicas[0].end("-TERM").await;
    Audited { cluster }.is_intact();
}

#[tokio::test]
async fn records_that_find_no_room_are_counted_and_people_are_told() {
    let cluster = Cluster::alone(1).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    set(&admin, JournalMode::Full).await;
    cluster.database.signal_server("-STOP");
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let caller = caller.clone();
        callers.spawn(async move {
            for _ in 0..1_100 {
                caller.ask(of("p")).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    cluster.database.signal_server("-CONT");
    let written = "select sum(leases)::text || ' ' || (count(*) filter (where kind = 'rollup') > 0) from lease_journal";
    let wanted = ["17600 true"];
    let all = async || {
        let rows = sqlx::query_scalar::<_, Option<String>>(written);
        rows.fetch_one(&cluster.database.pool)
            .await
            .unwrap()
            .as_deref()
            == Some(wanted[0])
    };
    eventually("every lease is recorded or counted", all).await;
    let told = async || {
        let request = keylease::proto::ListAlertsRequest::default();
        let alerts = admin.admin.clone().list_alerts(request).await;
        alerts.is_ok_and(|alerts| {
            let alerts = alerts.into_inner().alerts;
            alerts
                .iter()
                .any(|alert| alert.kind() == keylease::proto::AlertKind::JournalBehind)
        })
    };
    eventually("people are told", told).await;
}

#[tokio::test]
async fn a_replica_that_ends_writes_what_it_has_counted() {
    let (mut cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    caller.lease("p").await;
    set(&admin, JournalMode::Full).await;
    caller.lease("p").await;
    cluster.replicas[0].end("-TERM").await;
    let kinds = column(&cluster, "select kind from lease_journal order by kind").await;
    assert_eq!(kinds, ["lease", "rollup"]);
    Audited { cluster }.is_intact();
}
