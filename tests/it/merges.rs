//! Old blocks of a long window become few rows, and no less is charged at any time.

use std::time::Duration;

use sqlx::PgPool;
use tonic::Code;
use uuid::Uuid;

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::setup::requests;

const HOUR: Duration = Duration::from_hours(1);
/// Of one unit each.
const OLD_BLOCKS: i64 = 3_000;
/// What is left of the limit: less than a 64th of it, so that it can be granted at once.
const LEFT: i64 = 40;

/// Blocks that a replica has left, all of whose leases have ended; their charges end one after the other within an hour.
async fn leave_old_blocks(pool: &PgPool) {
    let query = "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, open_until, closed, ended, grant_number)
        select gen_random_uuid(), limit_uid, $1, 1, clock_timestamp() + make_interval(secs => 120 + n * 3400.0 / $2),
            clock_timestamp(), true, true, n from limit_ledgers, generate_series(1, $2) as n";
    let query = sqlx::query(query).bind(Uuid::new_v4()).bind(OLD_BLOCKS);
    query.execute(pool).await.unwrap();
}

/// Rows that there are, and units charged at each minute of the next hour and a half, but for what was granted since.
async fn rows_and_charges(pool: &PgPool, from: &str) -> (i64, Vec<i64>) {
    let rows = sqlx::query_scalar("select count(*) from limit_blocks").fetch_one(pool);
    let charges = sqlx::query_scalar(
        "select (select coalesce(sum(b.units), 0)::bigint from limit_blocks b
             where b.charge_until > $1::timestamptz + make_interval(mins => m) and b.grant_number <= $2)
        from generate_series(0, 90) as m order by m",
    );
    let charges = charges.bind(from).bind(OLD_BLOCKS).fetch_all(pool);
    (rows.await.unwrap(), charges.await.unwrap())
}

#[tokio::test]
async fn thousands_of_old_blocks_become_few_rows_and_the_limit_holds() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin
        .create_limit("a", requests(OLD_BLOCKS + LEFT, HOUR))
        .await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let pool = &cluster.database.pool;
    leave_old_blocks(pool).await;
    sqlx::query("update limit_ledgers set grant_number = $1")
        .bind(OLD_BLOCKS)
        .execute(pool)
        .await
        .unwrap();
    let now: String = sqlx::query_scalar("select clock_timestamp()::text")
        .fetch_one(pool)
        .await
        .unwrap();
    let (_, before) = rows_and_charges(pool, &now).await;
    assert_eq!((before[0], before[90]), (OLD_BLOCKS, 0));

    let caller = cluster.client(0, &token).await;
    let request = || keylease::proto::LeaseKeyRequest {
        requests: Some(100),
        ..of("p")
    };
    let granted = caller.ask(request()).await.unwrap().granted;
    assert!(i64::from(granted) <= LEFT, "{granted}");
    let few = async || rows_and_charges(pool, &now).await.0 < 100;
    eventually("few rows are left", few).await;
    let (_, after) = rows_and_charges(pool, &now).await;
    assert_eq!(after[0], OLD_BLOCKS);
    for (minute, (before, after)) in before.iter().zip(&after).enumerate() {
        assert!(after >= before, "minute {minute}: {before} became {after}");
    }
    let mut all = i64::from(granted);
    while let Ok(lease) = caller.ask(request()).await {
        all += i64::from(lease.granted);
    }
    assert!(all <= LEFT, "{all} of {LEFT} were granted");
    caller
        .refused(request())
        .await
        .is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
}
