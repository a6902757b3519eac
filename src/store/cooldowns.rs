//! Table `cooldowns`: what accounts, and models of them, cool down from.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::account::Cooldown;
use crate::domain::cooling::ACCOUNT_MODELS_MAX;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::time::Timestamp;

/// Models that may cool down beside one that is to be written.
const OTHERS_MAX: i64 = ACCOUNT_MODELS_MAX as i64 - 1;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct CooldownRow {
    pub(crate) account_uid: Uuid,
    pub(crate) model: String,
    pub(crate) until: OffsetDateTime,
    pub(crate) why: String,
    pub(crate) class: String,
    pub(crate) accuser: Option<Uuid>,
    pub(crate) tried_time: Option<OffsetDateTime>,
    pub(crate) strikes: i32,
}

impl From<CooldownRow> for Cooldown {
    fn from(row: CooldownRow) -> Self {
        Self {
            account_uid: row.account_uid,
            model: row.model,
            cause: Cause {
                until: timestamp(row.until),
                why: row.why,
                class: FailureClass::from_stored(&row.class),
                accuser: row.accuser,
                tried: row.tried_time.map(timestamp),
                strikes: row.strikes.unsigned_abs(),
            },
        }
    }
}

/// What these accounts cool down from at `now`.
///
/// # Errors
/// As every query.
pub async fn of_accounts(
    conn: &mut PgConnection,
    accounts: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Cooldown>> {
    let rows = sqlx::query_as!(
        CooldownRow,
        "select account_uid, model, until, why, class, accuser, tried_time, strikes from cooldowns
        where account_uid = any($1) and until > $2 order by account_uid, model",
        accounts,
        offset(now)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Ends what an account cools down from: all of it, or one model. Answers how many.
///
/// # Errors
/// As every query.
pub async fn clear(conn: &mut PgConnection, account_uid: Uuid, model: Option<&str>) -> Result<u64> {
    let done = sqlx::query!(
        "delete from cooldowns where account_uid = $1 and ($2::text is null or model = $2)",
        account_uid,
        model
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What is stored of an account, or one of its models, if it holds at `now`; it is locked.
///
/// # Errors
/// As every query.
pub async fn lock(
    conn: &mut PgConnection,
    account_uid: Uuid,
    model: &str,
    now: Timestamp,
) -> Result<Option<Cause>> {
    let row = sqlx::query_as!(
        CooldownRow,
        "select account_uid, model, until, why, class, accuser, tried_time, strikes from cooldowns
        where account_uid = $1 and model = $2 and until > $3 for update",
        account_uid,
        model,
        offset(now)
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Cooldown::from(row).cause))
}

/// An account, or one of its models, cools down like this. What has ended makes room, and, where as many models of it cool down as are
/// kept, what ends first. Of two ends the later counts.
///
/// # Errors
/// As every query.
pub async fn extend(
    conn: &mut PgConnection,
    account_uid: Uuid,
    model: &str,
    (rev, now): (i64, Timestamp),
    cause: &Cause,
) -> Result<()> {
    sqlx::query!(
        "with ended as (
            delete from cooldowns where account_uid = $1 and model <> $2 and until <= clock_timestamp()),
        crowded as (
            delete from cooldowns where account_uid = $1 and $2 <> '' and model in (
                select model from cooldowns
                where account_uid = $1 and model <> '' and model <> $2 and until > clock_timestamp()
                order by until desc, model desc offset $7))
        insert into cooldowns (account_uid, model, rev, until, why, class, accuser, tried_time, since, strikes)
        values ($1, $2, $3, $4, $5, $6, $8, $9, $10, $11)
        on conflict (account_uid, model) do update set rev = excluded.rev, until = excluded.until, why = excluded.why,
            class = excluded.class, accuser = excluded.accuser, tried_time = excluded.tried_time,
            strikes = case when cooldowns.until > $10 and cooldowns.class = excluded.class
                then greatest(cooldowns.strikes, excluded.strikes) else excluded.strikes end,
            since = case when cooldowns.until > $10 then cooldowns.since else excluded.since end
        where cooldowns.until <= excluded.until",
        account_uid,
        model,
        rev,
        offset(cause.until),
        cause.why,
        cause.class.as_str(),
        OTHERS_MAX,
        cause.accuser,
        cause.tried.map(offset),
        offset(now),
        i32::try_from(cause.strikes).unwrap_or(i32::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A lease has found that what one caller alone said is not so: it is over, unless it has become more than a word. Answers whether it is.
///
/// # Errors
/// As every query.
pub async fn refute(conn: &mut PgConnection, account_uid: Uuid, model: &str) -> Result<bool> {
    let done = sqlx::query!(
        "delete from cooldowns where account_uid = $1 and model = $2 and accuser is not null",
        account_uid,
        model
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// These accounts, where they cool down since they were found closed at `since` or later, do so until then at most: what was found before
/// the burst stands. Answers those.
///
/// # Errors
/// As every query.
pub async fn give_back(
    conn: &mut PgConnection,
    accounts: &[Uuid],
    rev: i64,
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<Uuid>> {
    let given = sqlx::query_scalar!(
        "update cooldowns set until = $3, rev = $2
        where account_uid = any($1) and model = '' and class = 'credential' and until > $3 and since >= $4
        returning account_uid",
        accounts,
        rev,
        offset(until),
        offset(since)
    )
    .fetch_all(conn)
    .await?;
    Ok(given)
}

/// Forgets what has ended, everywhere.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from cooldowns where until <= clock_timestamp()")
        .execute(conn)
        .await?;
    Ok(())
}
