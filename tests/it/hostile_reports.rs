//! Ten thousand hostile reports: forged, foreign, duplicates, replays, wrong sequences, and accusations by a caller with few leases.

use keylease::proto::{HealthState, LeaseKeyResponse, ReportOutcomeRequest};
use tokio::task::JoinSet;

use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{http, success};
use crate::harness::setup::{MINUTE, requests};

/// So many of each of five kinds.
const EACH: usize = 2_000;

/// Sends many reports, a few at a time; answers how many were taken as new.
async fn send(caller: &Client, reports: impl Iterator<Item = ReportOutcomeRequest>) -> usize {
    let reports: Vec<_> = reports.collect();
    let mut tasks = JoinSet::new();
    for some in reports.chunks(reports.len().div_ceil(16)) {
        let (caller, some) = (caller.clone(), some.to_vec());
        tasks.spawn(async move {
            let mut new = 0;
            for report in some {
                let answer = caller.tell(report).await;
                new += usize::from(answer.is_ok_and(|a| !a.duplicate && !a.exhausted));
            }
            new
        });
    }
    tasks.join_all().await.into_iter().sum()
}

fn rejection(lease: &LeaseKeyResponse, sequence: usize) -> ReportOutcomeRequest {
    let sequence = i32::try_from(sequence).unwrap();
    ReportOutcomeRequest {
        sequence,
        ..reporting(lease, vec![http(401, &[])])
    }
}

/// The same with one character of the id another.
fn forged(lease: &LeaseKeyResponse, place: usize) -> ReportOutcomeRequest {
    let mut report = rejection(lease, 0);
    let place = place % report.lease_id.len();
    let other = if report.lease_id[place..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    report.lease_id.replace_range(place..=place, other);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_hostile_reports_change_nothing_they_should_not() {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    for account in ["a", "b", "c"] {
        admin.create_account_and_key(account).await;
        admin.create_limit(account, requests(1_000, MINUTE)).await;
    }
    admin.create_pool("p", &["a", "b", "c"]).await;
    let tokens = [
        admin.create_lessee("honest", "p").await,
        admin.create_lessee("liar", "p").await,
    ];
    cluster.settled().await;
    let honest = cluster.client(0, &tokens[0]).await;
    let liars = [
        cluster.client(0, &tokens[1]).await,
        cluster.client(1, &tokens[1]).await,
    ];
    let lease = honest.lease("p").await;
    honest.report(&lease, success()).await;
    // The liar has one lease, and accuses its key again and again, at both replicas.
    let own = liars[0].lease("p").await;
    let accusations = |_: usize| (0..EACH).map(|sequence| rejection(&own, sequence));
    let again = |_: usize| (0..EACH).map(|_| rejection(&own, 0));
    let mut new = 0;
    for (at, liar) in liars.iter().enumerate() {
        new += send(liar, accusations(at).take(EACH / 2)).await;
        new += send(liar, again(at).take(EACH / 2)).await;
        assert_eq!(
            send(liar, (0..EACH / 2).map(|p| forged(&lease, p))).await,
            0
        );
        let foreign = (0..EACH / 2).map(|sequence| rejection(&lease, sequence));
        assert_eq!(send(liar, foreign).await, 0);
    }
    // A lease that was reported well is no more to its own caller either.
    let late = (0..EACH).map(|sequence| rejection(&lease, sequence));
    assert_eq!(send(&honest, late).await, 0);
    assert!(
        new <= 2,
        "one use of one lease, once for each replica: {new}"
    );
    cluster.settled().await;
    let status = admin.status("p").await;
    for key in &status.keys {
        let health = key.versions[0].health.clone().unwrap();
        let is_accused = key.key == own.key;
        assert_eq!(health.unconfirmed, is_accused, "{key:?}");
        assert_eq!(health.state() == HealthState::Dead, is_accused, "{key:?}");
        assert!(key.account_cooldown.is_none());
    }
    assert_eq!(status.keys_serving, 2);
    for _ in 0..20 {
        let lease = honest.ask(of("p")).await.unwrap();
        assert_ne!(lease.key, own.key);
    }
}
