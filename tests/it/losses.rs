//! Lost writes as the database notes them: what a limit has not answered to yet is not forgotten for what was lost after it.

use std::time::Duration;

use keylease::domain::ledger::entry::LONG_PERIOD;
use keylease::domain::ledger::standing::Sight;
use keylease::store::incarnations::{self, NewIncarnation};
use keylease::store::replicas::{self, Enrolment};
use uuid::Uuid;

use crate::harness::postgres::Database;

#[tokio::test]
async fn losses_that_a_limit_has_not_answered_to_add_up() {
    let database = Database::create().await;
    let sight = Sight {
        system_id: "7".to_owned(),
        timeline: "00000001".to_owned(),
        filenode: 1,
    };
    let lost = |periods: u32, live| NewIncarnation {
        number_min: 0,
        sight: &sight,
        is_lossy: true,
        lag: LONG_PERIOD * periods,
        live,
    };
    let mut conn = database.pool.acquire().await.unwrap();
    for statement in [
        "insert into replicas (boot_id, address, version, formats) values (gen_random_uuid(), '', '', 1)",
        "insert into limits (uid, rev, owner_kind, owner_uid, id, dimension, amount, window_ms) \
         values ('00000000-0000-0000-0000-000000000001', 1, 'account', gen_random_uuid(), 'l', 'requests', 5, 60000)",
        "insert into limit_ledgers (limit_uid) values ('00000000-0000-0000-0000-000000000001')",
    ] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    incarnations::insert(&mut conn, &lost(4, 8)).await.unwrap();
    incarnations::insert(&mut conn, &lost(2, 3)).await.unwrap();
    let loss = incarnations::look(&mut conn, Uuid::nil())
        .await
        .unwrap()
        .loss;
    assert_eq!((loss.replicas, loss.periods), (8, 6));
    sqlx::query("update limit_ledgers set incarnation = $1")
        .bind(loss.incarnation)
        .execute(&mut *conn)
        .await
        .unwrap();
    incarnations::insert(&mut conn, &lost(2, 3)).await.unwrap();
    let loss = incarnations::look(&mut conn, Uuid::nil())
        .await
        .unwrap()
        .loss;
    assert_eq!((loss.replicas, loss.periods), (3, 2));
    let endless = NewIncarnation {
        lag: Duration::MAX,
        ..lost(1, 1)
    };
    for _ in 0..2 {
        incarnations::insert(&mut conn, &endless).await.unwrap();
    }
    let loss = incarnations::look(&mut conn, Uuid::nil())
        .await
        .unwrap()
        .loss;
    assert!(loss.periods > 1_000_000_000, "{loss:?}");
}

#[tokio::test]
async fn a_heartbeat_that_comes_late_does_not_make_the_database_forget_later_ones() {
    let database = Database::create().await;
    let enrolment = Enrolment {
        address: String::new(),
        version: "",
        formats: 1,
        serves: std::time::Duration::ZERO,
    };
    let boot_id = Uuid::new_v4();
    let mut conn = database.pool.acquire().await.unwrap();
    for beats in [20, 11] {
        let beaten = replicas::beat(&mut conn, boot_id, &enrolment, &[], beats).await;
        beaten.unwrap();
    }
    let standing = incarnations::look(&mut conn, boot_id).await.unwrap();
    assert_eq!(standing.beats, Some(20));
}
