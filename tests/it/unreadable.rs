//! A database that cannot be read: replicas say that they are not ready, refuse in time what they cannot know, and recover.

use keylease::proto::{CreateTokenRequest, RevokeTokenRequest};
use sqlx::AssertSqlSafe;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::refusal::Refusal;

const AGE: &str = "keylease_snapshot_age_seconds";

async fn sql(cluster: &Cluster, statements: &'static str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&cluster.database.pool);
    ran.await.unwrap();
}

async fn is_ready(channel: &Channel) -> bool {
    let asked = HealthCheckRequest::default();
    let answer = HealthClient::new(channel.clone()).check(asked).await;
    answer.unwrap().into_inner().status == ServingStatus::Serving as i32
}

#[tokio::test]
async fn a_row_that_makes_the_driver_panic_is_told_and_outlived() {
    let mut cluster = Cluster::of(0).await;
    cluster
        .add_with(&[("KEYLEASE_SNAPSHOT_AGE_MAX", "10s")])
        .await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    admin.create_lessee("search", "p").await;
    let token = admin.create_token("search").await;
    let caller = cluster.client(0, &token.text).await;
    let address = cluster.replicas[0].address;
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    assert!(is_ready(&channel).await);

    sql(
        &cluster,
        "alter table key_versions drop constraint key_versions_health_until_readable;
        update key_versions set health_until = 'infinity', rev = (select rev + 1 from cluster); update cluster set rev = rev + 1",
    )
    .await;
    eventually("it is not ready", async || !is_ready(&channel).await).await;
    // What is committed is answered, though it cannot be taken up here.
    admin.create_account("b", "").await;
    let old = async || cluster.replicas[0].metric(AGE).await.unwrap() > 10.5;
    eventually("its snapshot is too old", old).await;
    for refused in [
        caller.refused(of("p")).await,
        Refusal::of(
            &admin
                .admin
                .clone()
                .create_token(CreateTokenRequest::default())
                .await
                .unwrap_err(),
        ),
    ] {
        refused.is(Code::Unavailable, "SNAPSHOT_STALE");
    }

    sql(&cluster, "update key_versions set health_until = null").await;
    eventually("it is ready again", async || is_ready(&channel).await).await;
    caller.lease("p").await;
    let revoke = RevokeTokenRequest {
        name: token.token.unwrap().name,
        ..Default::default()
    };
    admin
        .admin
        .clone()
        .revoke_token(Request::new(revoke))
        .await
        .unwrap();
    let refused = caller.refused(of("p")).await;
    refused.is(Code::Unauthenticated, "TOKEN_REJECTED");
}

#[tokio::test]
async fn no_time_that_cannot_be_read_is_stored() {
    let cluster = Cluster::of(0).await;
    for time in ["infinity", "-infinity", "10000-01-01 00:00:00+00"] {
        let columns: Vec<(String, String)> = sqlx::query_as(
            "select table_name::text, column_name::text from information_schema.columns
            where table_schema = 'public' and data_type = 'timestamp with time zone' and table_name <> '_sqlx_migrations'",
        )
        .fetch_all(&cluster.database.pool)
        .await
        .unwrap();
        assert!(columns.len() > 40);
        for (table, column) in columns {
            let checks: Vec<String> = sqlx::query_scalar(
                "select pg_get_expr(conbin, conrelid) from pg_constraint where conrelid = $1::regclass and conname = $2",
            )
            .bind(&table)
            .bind(format!("{table}_{column}_readable"))
            .fetch_all(&cluster.database.pool)
            .await
            .unwrap();
            let check = checks
                .first()
                .unwrap_or_else(|| panic!("{table}.{column} is not checked"));
            let query = format!(
                "select {check} from (select '{time}'::timestamptz as {column}) as {table}"
            );
            let holds: bool = sqlx::query_scalar(AssertSqlSafe(query))
                .fetch_one(&cluster.database.pool)
                .await
                .unwrap();
            assert!(!holds, "{table}.{column} {time}");
        }
    }
}
