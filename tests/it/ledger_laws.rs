//! Laws of what the database does with blocks, over cases without any pattern that are the same in each run: when permits are free again
//! is true to the microsecond, and statements of use lower what is charged whatever comes twice or late.

use keylease::domain::ledger::page::{Lack, Stated};
use keylease::domain::time::Timestamp;
use keylease::store::limit_blocks;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::harness::desk::Desk;
use crate::limits::per_minute;

/// After the lower clock at which this is looked at.
const LOW: i64 = 1_700_000_000_000_000;

/// Numbers of a case.
struct Numbers(u64);

impl Numbers {
    fn of(case: u64) -> Self {
        Self(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % bound).unwrap()
    }
}

/// A limit, at a desk that has to be kept.
async fn a_limit() -> (Desk, Uuid) {
    let desk = Desk::open().await;
    desk.account("a").await;
    let limit = desk.limit("rpm", per_minute(600)).await;
    let uid = Uuid::parse_str(&limit.uid).unwrap();
    (desk, uid)
}

/// Blocks, and how soon their charges end.
fn blocks(case: u64) -> Vec<(i64, i64)> {
    let mut numbers = Numbers::of(case);
    let count = 1 + numbers.below(30);
    let block = |_| (numbers.below(50), numbers.below(40) * 1_000);
    (0..count).map(block).collect()
}

async fn charge(conn: &mut PgConnection, limit: Uuid, blocks: &[(i64, i64)]) {
    sqlx::query("delete from limit_blocks")
        .execute(&mut *conn)
        .await
        .unwrap();
    for (units, ends) in blocks {
        let query = "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, open_until, closed, grant_number)
            values (gen_random_uuid(), $1, $1, $2, to_timestamp($3 / 1000000.0), to_timestamp($3 / 1000000.0), true, 1)";
        let query = sqlx::query(query).bind(limit).bind(units).bind(LOW + ends);
        query.execute(&mut *conn).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_lacking_is_free_when_it_is_said_and_not_before() {
    let (desk, limit) = a_limit().await;
    let mut conn = desk.database.pool.acquire().await.unwrap();
    for case in 0..40 {
        let blocks = blocks(case);
        charge(&mut conn, limit, &blocks).await;
        let charged_after = |at: i64| -> i64 {
            let charged = blocks.iter().filter(|(_, ends)| LOW + ends > at);
            charged.map(|(units, _)| units).sum()
        };
        let all = charged_after(LOW);
        for lacking in [1, all / 2, all, all + 1] {
            let lack = Lack {
                limit_uid: limit,
                units: lacking.max(1).unsigned_abs(),
                units_of_largest: all.max(1).unsigned_abs(),
                low: Timestamp::from_micros(LOW),
            };
            let frees = limit_blocks::frees(&mut conn, &[lack]).await.unwrap();
            let free = frees.get(&limit).copied().unwrap_or_default();
            let charged = blocks.iter().filter(|(units, _)| *units > 0);
            let last = charged.map(|(_, ends)| LOW + ends).max();
            let last = last.filter(|ends| *ends > LOW);
            assert_eq!(free.largest.map(Timestamp::micros), last);
            let Some(free) = free.need else {
                assert!(
                    lacking.max(1) > all,
                    "case {case}: {lacking} of {all} are never free"
                );
                continue;
            };
            let freed = |at: i64| all - charged_after(at);
            assert!(
                freed(free.micros()) >= lacking,
                "case {case}: {lacking} of {all}"
            );
            assert!(
                freed(free.micros() - 1) < lacking.max(1),
                "case {case}: {lacking} of {all}"
            );
        }
    }
}

/// What is stated of a block: units used, how much sooner its charge ends, how many of its leases are settled.
fn statement(block_id: Uuid, numbers: &mut Numbers) -> Stated {
    let sooner =
        (numbers.below(3) > 0).then(|| Timestamp::from_micros(LOW + numbers.below(100) * 1_000));
    Stated {
        block_id,
        used: numbers.below(60).unsigned_abs(),
        charge_until: sooner,
        settled: vec![0xff; usize::try_from(numbers.below(5)).unwrap()],
        is_ended: numbers.below(2) == 1,
    }
}

/// Units, end of the charge in microseconds, settled leases, whether closed and ended.
type Block = (i64, i64, i64, bool, bool);

async fn block(conn: &mut PgConnection) -> (Uuid, Block) {
    let query = "select block_id, units, (extract(epoch from charge_until) * 1000000)::bigint, bit_count(settled), closed, ended from limit_blocks";
    let row: (Uuid, i64, i64, i64, bool, bool) =
        sqlx::query_as(query).fetch_one(conn).await.unwrap();
    (row.0, (row.1, row.2, row.3, row.4, row.5))
}

#[tokio::test]
async fn statements_only_lower_what_is_charged_and_a_repetition_changes_nothing() {
    let (desk, limit) = a_limit().await;
    let mut conn = desk.database.pool.acquire().await.unwrap();
    for case in 0..25 {
        let mut numbers = Numbers::of(case);
        charge(&mut conn, limit, &[(50, 90_000)]).await;
        let (id, mut expected) = block(&mut conn).await;
        let mut told = Vec::new();
        for _ in 0..8 {
            let stated = statement(id, &mut numbers);
            expected.0 = expected.0.min(i64::try_from(stated.used).unwrap());
            let until = stated.charge_until.map_or(expected.1, Timestamp::micros);
            expected.1 = expected.1.min(until);
            expected.2 = expected
                .2
                .max(i64::try_from(stated.settled.len() * 8).unwrap());
            expected.4 |= stated.is_ended;
            told.push(stated);
            // The latest, and one that comes again, late.
            let again = told[usize::try_from(numbers.below(told.len() as u64)).unwrap()].clone();
            for stated in [told.last().unwrap().clone(), again] {
                limit_blocks::state_use(&mut conn, &[stated]).await.unwrap();
                assert_eq!(block(&mut conn).await.1, expected, "case {case}");
            }
        }
    }
}
