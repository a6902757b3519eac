//! A replica that stops in the middle of a transaction: what it has locked is not lost to the others.

use keylease::store::limit_ledgers;

use crate::harness::cluster::Cluster;
use crate::harness::setup::{MINUTE, requests};

#[tokio::test]
async fn a_replica_that_stops_with_a_limit_locked_keeps_it_from_nobody_for_long() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(100, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "*").await;
    cluster.settled().await;
    let caller = cluster.client(0, &token).await;

    let begun = cluster.database.pool.begin_with(limit_ledgers::BEGIN);
    let mut stopped = begun.await.unwrap();
    let limits: Vec<uuid::Uuid> = sqlx::query_scalar("select limit_uid from limit_ledgers")
        .fetch_all(&mut *stopped)
        .await
        .unwrap();
    let locked = limit_ledgers::lock(&mut stopped, &limits, true).await;
    assert_eq!(locked.unwrap().len(), 1);
    // Its transaction is neither committed nor rolled back by itself.
    caller.lease("p").await;
    assert!(stopped.commit().await.is_err());
}
