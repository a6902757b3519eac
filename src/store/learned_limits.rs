//! Tables `learned_limits` and `adopted_limits`: what providers state of their limits, and which limits were lowered for it.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, timestamp, unsigned};
use crate::domain::learned::{BudgetName, Learned, STATEMENTS_MAX, WITNESSES_MAX};
use crate::domain::limit::Dimension;
use crate::domain::time::Timestamp;

/// A row, column by column.
#[derive(Debug)]
struct LearnedRow {
    account_uid: Uuid,
    dimension: String,
    model: String,
    window_ms: i64,
    amount: i64,
    callers: Vec<Uuid>,
    leases: i32,
    first_seen_time: OffsetDateTime,
    last_seen_time: OffsetDateTime,
}

impl LearnedRow {
    /// `None` for a dimension of a newer release.
    fn read(self) -> Option<(Uuid, Learned)> {
        let budget = BudgetName {
            dimension: Dimension::from_stored(&self.dimension)?,
            model: self.model,
            window: std::time::Duration::from_millis(unsigned(self.window_ms)),
        };
        let learned = Learned {
            budget,
            amount: unsigned(self.amount),
            witnesses: self.callers,
            leases: self.leases.unsigned_abs(),
            first_seen: timestamp(self.first_seen_time),
            last_seen: timestamp(self.last_seen_time),
        };
        Some((self.account_uid, learned))
    }
}

/// Writes what was heard of an account, unless that is gone. Who said the same before stays a witness.
///
/// # Errors
/// As every query.
pub async fn note(conn: &mut PgConnection, account_uid: Uuid, heard: &Learned) -> Result<()> {
    sqlx::query!(
        "insert into learned_limits as l (account_uid, dimension, model, window_ms, amount, callers, leases, first_seen_time,
            last_seen_time)
        select uid, $2, $3, $4, $5, $6, $7, $8, $9 from accounts where uid = $1
        on conflict (account_uid, dimension, model, window_ms) do update set
            amount = excluded.amount,
            callers = case when l.amount = excluded.amount then array(
                    select c from unnest(l.callers || excluded.callers) with ordinality as of_all (c, place)
                    group by c order by min(place) limit $10)
                else excluded.callers end,
            leases = case when l.amount = excluded.amount then greatest(l.leases, excluded.leases) else excluded.leases end,
            first_seen_time = case when l.amount = excluded.amount then l.first_seen_time else excluded.first_seen_time end,
            last_seen_time = excluded.last_seen_time",
        account_uid,
        heard.budget.dimension.as_str(),
        heard.budget.model,
        i64::try_from(heard.budget.window.as_millis()).unwrap_or(i64::MAX),
        signed(heard.amount),
        &heard.witnesses,
        heard.leases.cast_signed(),
        offset(heard.first_seen),
        offset(heard.last_seen),
        WITNESSES_MAX as i64
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what of an account was not stated since then, and of more than are kept what was stated longest ago.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, account_uid: Uuid, since: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from learned_limits where account_uid = $1 and (last_seen_time < $2
            or (dimension, model, window_ms) in (
                select dimension, model, window_ms from learned_limits where account_uid = $1
                order by last_seen_time desc, dimension, model, window_ms offset $3))",
        account_uid,
        offset(since),
        STATEMENTS_MAX as i64
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What these accounts' providers state, by account, model, dimension and window.
///
/// # Errors
/// As every query.
pub async fn of_accounts(
    conn: &mut PgConnection,
    accounts: &[Uuid],
) -> Result<Vec<(Uuid, Learned)>> {
    let rows = sqlx::query_as!(
        LearnedRow,
        r#"select account_uid, dimension, model, window_ms, amount, callers, leases, first_seen_time, last_seen_time
        from learned_limits where account_uid = any($1)
        order by account_uid, model collate "C", dimension, window_ms"#,
        accounts
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(LearnedRow::read).collect())
}

/// What a person has set a limit of this amount to, before it was lowered by policy; `None` if it was not.
///
/// # Errors
/// As every query.
pub async fn amount_before(
    conn: &mut PgConnection,
    limit_uid: Uuid,
    amount: u64,
) -> Result<Option<u64>> {
    let before = sqlx::query_scalar!(
        "select amount_before from adopted_limits where limit_uid = $1 and amount_after = $2",
        limit_uid,
        signed(amount)
    )
    .fetch_optional(conn)
    .await?;
    Ok(before.map(unsigned))
}

/// A limit was lowered by policy.
///
/// # Errors
/// As every query.
pub async fn adopted(
    conn: &mut PgConnection,
    limit_uid: Uuid,
    before: u64,
    after: u64,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into adopted_limits (limit_uid, amount_before, amount_after, adopt_time) values ($1, $2, $3, $4)
        on conflict (limit_uid) do update set amount_before = excluded.amount_before, amount_after = excluded.amount_after,
            adopt_time = excluded.adopt_time",
        limit_uid,
        signed(before),
        signed(after),
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
