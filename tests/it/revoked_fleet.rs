//! A key that its provider has revoked, under load, over three replicas of which one is stopped with the right to the canary.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keylease::proto::{HealthPolicy, LeaseKeyResponse, LeaseKind, Pool};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{http, success};
use crate::harness::setup::{of_targets, span};

const REVOKED: &str = "accounts/a/keys/k";
const DISABLED: &str = "accounts/b/keys/k";
/// The replica that is stopped is away for longer than any right lasts.
const STOPPED: Duration = Duration::from_secs(12);

/// A lease of the revoked key, and when it was asked for, since the beginning.
type Seen = Arc<Mutex<Vec<(Duration, LeaseKind)>>>;

/// Leases and reports until the end, as the provider answers: the revoked key is rejected, every other one is well.
async fn load(caller: Client, seen: Seen, began: Instant, lasts: Duration) {
    while began.elapsed() < lasts {
        let asked = began.elapsed();
        let asking = tokio::time::timeout(Duration::from_secs(2), caller.ask(of("p")));
        if let Ok(Ok(lease)) = asking.await {
            note(&seen, asked, &lease);
            let outcome = if lease.key == REVOKED {
                http(401, &[])
            } else {
                success()
            };
            let report = crate::harness::client::reporting(&lease, vec![outcome]);
            let telling = tokio::time::timeout(Duration::from_secs(2), caller.tell(report));
            let _ = telling.await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn note(seen: &Seen, asked: Duration, lease: &LeaseKeyResponse) {
    assert_ne!(lease.key, DISABLED, "nobody has enabled it");
    if lease.key == REVOKED {
        seen.lock().push((asked, lease.kind()));
    }
}

/// Waits for a replica to hold the right, and stops it for a while.
async fn stop_the_holder(cluster: &Cluster) -> usize {
    loop {
        let address: Option<String> = sqlx::query_scalar(
            "select r.address from canaries c join replicas r on r.boot_id = c.boot_id limit 1",
        )
        .fetch_optional(&cluster.database.pool)
        .await
        .unwrap();
        let is_it = |(_, replica): &(usize, &_)| {
            let replica: &crate::harness::replica::Replica = replica;
            Some(replica.address.to_string()) == address
        };
        if let Some((index, replica)) = cluster.replicas.iter().enumerate().find(is_it) {
            replica.signal("-STOP");
            tokio::time::sleep(STOPPED).await;
            replica.signal("-CONT");
            return index;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn deaths(cluster: &Cluster) -> i64 {
    sqlx::query_scalar("select count(*) from health_changes where to_health = 'dead'")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_tried_by_one_canary_for_each_death_whoever_is_stopped() {
    let cluster = Cluster::of(3).await;
    let admin = cluster.admin().await;
    for account in ["a", "b", "c", "d"] {
        admin.create_account_and_key(account).await;
    }
    let policy = HealthPolicy {
        dead_ttl: Some(span(Duration::from_secs(5))),
        quarantine: Some(span(Duration::from_secs(4))),
        ..Default::default()
    };
    let pool = Pool {
        health_policy: Some(policy),
        lease_duration: Some(span(Duration::from_secs(3))),
        ..of_targets(&["a", "b", "c", "d"])
    };
    admin.create_pool_of("p", pool).await;
    admin.disable_key(DISABLED).await;
    let tokens = [
        admin.create_lessee("search", "p").await,
        admin.create_lessee("other", "p").await,
    ];
    cluster.settled().await;

    let (seen, began, lasts) = (Seen::default(), Instant::now(), Duration::from_secs(45));
    let mut tasks = JoinSet::new();
    for replica in 0..3 {
        for token in &tokens {
            let caller = cluster.client(replica, token).await;
            tasks.spawn(load(caller, Arc::clone(&seen), began, lasts));
        }
    }
    let stopping = tokio::time::timeout(lasts, stop_the_holder(&cluster));
    stopping.await.expect("some replica has held the right");
    tasks.join_all().await;

    let seen = std::mem::take(&mut *seen.lock());
    let first = seen.first().expect("it was leased at first").0;
    let known = first + Duration::from_secs(2);
    let later: Vec<_> = seen.iter().filter(|(asked, _)| *asked > known).collect();
    assert!(
        later.iter().all(|(_, kind)| *kind == LeaseKind::Canary),
        "{later:?}"
    );
    // Each canary was rejected, which made another death, or was lost with the replica that was stopped.
    let (canaries, deaths) = (later.len(), deaths(&cluster).await);
    assert!(canaries >= 2, "{seen:?}");
    assert!(
        canaries as i64 <= deaths,
        "{canaries} of {deaths}: {seen:?}"
    );
    let status = admin.status("p").await;
    let is_disabled = |key: &str| {
        let mut keys = status.keys.iter();
        keys.any(|k| k.key == key && k.disablement.is_some())
    };
    assert!(is_disabled(DISABLED) && !is_disabled(REVOKED));
}
