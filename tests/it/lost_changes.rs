//! A database that is set back, by a restore or a failover that lost writes: what is revoked after that is revoked everywhere.

use std::time::Duration;

use keylease::proto::RevokeTokenRequest;
use sqlx::AssertSqlSafe;
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};

async fn sql(cluster: &Cluster, statements: &'static str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&cluster.database.pool);
    ran.await.unwrap();
}

/// Two replicas with the pool `p`; a client of the second, and the name of its token.
async fn fleet() -> (Cluster, Client, Client, String) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    admin.create_lessee("search", "p").await;
    let token = admin.create_token("search").await;
    cluster.settled().await;
    let caller = cluster.client(1, &token.text).await;
    caller.lease("p").await;
    (cluster, admin, caller, token.token.unwrap().name)
}

async fn polled() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

#[tokio::test]
async fn a_token_revoked_after_the_revision_went_back_is_refused_everywhere() {
    let (cluster, admin, caller, name) = fleet().await;
    sql(&cluster, "update cluster set rev = rev - 5").await;
    polled().await;
    let revoke = RevokeTokenRequest {
        name,
        ..Default::default()
    };
    admin.admin.clone().revoke_token(revoke).await.unwrap();
    polled().await;
    let refused = caller.refused(of("p")).await;
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn what_a_restored_database_does_not_have_is_forgotten_and_what_changed_at_known_revisions_is_taken_up()
 {
    let (cluster, _admin, caller, _) = fleet().await;
    let rev = cluster.replicas[1].metric("keylease_snapshot_rev").await;
    // As a dump from before the token was made, in which as much has changed since: the revision does not tell.
    sql(
        &cluster,
        "delete from tokens where caller_uid in (select uid from callers where id = 'search');
        update replicas set beats = 0; update incarnations set filenode = filenode + 1",
    )
    .await;
    let said = async || cluster.replicas[1].said().contains("all was read again");
    eventually("it reads everything", said).await;
    let refused = caller.refused(of("p")).await;
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
    assert_eq!(
        cluster.replicas[1].metric("keylease_snapshot_rev").await,
        rev
    );
}
