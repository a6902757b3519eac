//! A limit whose rows fail: it fails alone.

use std::time::Duration;

use sqlx::PgPool;
use tokio::task::JoinSet;
use tonic::Code;
use uuid::Uuid;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::setup::{MINUTE, requests};

/// Accounts with limits, and pools of the same names.
async fn limited(admin: &Client, accounts: &[&str]) {
    for account in accounts {
        admin.create_account_and_key(account).await;
        admin.create_limit(account, requests(100, MINUTE)).await;
        admin.create_pool(account, &[account]).await;
    }
}

/// Lets every transaction fail that charges the limit that was made first.
const FAIL: &str = "
    create function fail() returns trigger language plpgsql as $$ begin
        if new.limit_uid = (select uid from limits order by create_time limit 1) then
            raise exception 'bad';
        end if;
        return new;
    end $$;
    create trigger fail before insert on limit_blocks for each row execute function fail()";

/// The one limit that there is.
async fn only_limit(pool: &PgPool) -> Uuid {
    let uid = sqlx::query_scalar("select uid from limits");
    uid.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn charges_that_add_up_to_more_than_a_column_holds_refuse_and_fail_nothing() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    limited(&admin, &["bad"]).await;
    let (pool, limit) = (
        &cluster.database.pool,
        only_limit(&cluster.database.pool).await,
    );
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    for _ in 0..2 {
        let block = sqlx::query(
            "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, open_until, closed, ended, grant_number) \
             values ($1, $2, $1, 9223372036854775807, now() + interval '1 h', now(), true, true, 1)",
        );
        let block = block.bind(Uuid::now_v7()).bind(limit);
        block.execute(pool).await.unwrap();
    }
    let refused = caller.refused(of("bad")).await;
    refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let charged = admin.status("bad").await.limits[0].charged;
    assert_eq!(charged, i64::MAX);
}

#[tokio::test]
async fn a_limit_that_fails_every_transaction_fails_no_other_limit() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    limited(&admin, &["bad"]).await;
    let pool = &cluster.database.pool;
    let good = ["b", "c", "d", "e", "f", "g"];
    limited(&admin, &good).await;
    sqlx::raw_sql(FAIL).execute(pool).await.unwrap();
    let token = admin.create_lessee("search", "*").await;
    cluster.settled().await;
    let caller = cluster.client(0, &token).await;
    for _ in 0..3 {
        let mut asked = JoinSet::new();
        for id in ["bad"].into_iter().chain(good) {
            let caller = caller.clone();
            asked.spawn(async move { (id, caller.ask(of(id)).await) });
        }
        while let Some(answered) = asked.join_next().await {
            let (id, lease) = answered.unwrap();
            match lease {
                Ok(_) => assert_ne!(id, "bad"),
                Err(status) => assert_eq!((id, status.code()), ("bad", Code::Unavailable)),
            }
        }
        // The blocks have ended: all are asked for together once more.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
}
