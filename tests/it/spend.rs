//! The tables of spend: a batch counts once, sums have a ceiling, groups come page by page.

use keylease::domain::spend::{Day, SpendKey, Sums};
use keylease::domain::tags::Tags;
use keylease::domain::time::Timestamp;
use keylease::proto::GetCostRequest;
use keylease::proto::admin_service_server::AdminService;
use keylease::store::spend::{self, Selection};
use uuid::Uuid;

use crate::harness::desk::{Desk, answered};
use crate::harness::postgres::Database;

fn key(model: &str) -> SpendKey {
    SpendKey {
        day: Day::of(Timestamp::from_micros(0)),
        pool: "pools/p".into(),
        account: "accounts/a".into(),
        model: model.into(),
        caller: "callers/c".into(),
        tags: Tags::default(),
    }
}

fn cost(cost_micros: u64) -> Sums {
    Sums {
        cost_micros,
        requests: 1,
        ..Sums::default()
    }
}

async fn total(database: &Database) -> Sums {
    let mut conn = database.pool.acquire().await.unwrap();
    let groups = spend::sum(&mut conn, &Selection::default(), &[], None, 9).await;
    groups.unwrap()[0].sums
}

#[tokio::test]
async fn a_batch_that_is_sent_again_counts_once_also_at_the_same_time() {
    let database = Database::create().await;
    let batch = [(key("a"), cost(3)), (key("b"), cost(4))];
    let id = Uuid::new_v4();
    let send = async || {
        let mut conn = database.pool.acquire().await.unwrap();
        spend::add(&mut conn, id, &batch).await.unwrap();
    };
    tokio::join!(send(), send(), send());
    assert_eq!(total(&database).await.cost_micros, 7);
    let mut conn = database.pool.acquire().await.unwrap();
    spend::add(&mut conn, Uuid::new_v4(), &batch).await.unwrap();
    assert_eq!(total(&database).await.cost_micros, 14);
}

#[tokio::test]
async fn sums_stay_at_their_ceiling_and_no_batch_is_refused_for_it() {
    let database = Database::create().await;
    let mut conn = database.pool.acquire().await.unwrap();
    for _ in 0..3 {
        let batch = [(key("a"), cost(u64::MAX)), (key("b"), cost(u64::MAX))];
        spend::add(&mut conn, Uuid::new_v4(), &batch).await.unwrap();
    }
    assert_eq!(total(&database).await.cost_micros, i64::MAX.unsigned_abs());
    assert_eq!(total(&database).await.requests, 6);
}

#[tokio::test]
async fn groups_come_page_by_page_each_once_in_order() {
    let desk = Desk::open().await;
    let mut conn = desk.database.pool.acquire().await.unwrap();
    let names: Vec<_> = (0..25)
        .map(|i| format!("M-{}{i:02}", ["a", "Z", "ä"][i % 3]))
        .collect();
    let batch: Vec<_> = names.iter().map(|name| (key(name), cost(1))).collect();
    spend::add(&mut conn, Uuid::new_v4(), &batch).await.unwrap();
    let mut request = GetCostRequest {
        start_time: Some(prost_types::Timestamp::default()),
        group_by: vec!["day".to_owned(), "model".to_owned()],
        page_size: 4,
        ..Default::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = answered(desk.admin.get_cost(desk.ask(request.clone())).await);
        assert!(page.rows.iter().all(|row| row.group["day"] == "1970-01-01"));
        seen.extend(page.rows.into_iter().map(|row| row.group["model"].clone()));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let mut wanted = names;
    wanted.sort();
    assert_eq!(seen, wanted);
}
