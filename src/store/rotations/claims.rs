//! Whose turn it is: of all replicas one takes the next step of a rotation, for a bounded time.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Rotation, due};
use crate::domain::rotation::{AGAIN_MAX, ASKED_A_MINUTE_MAX, CLAIM_LASTS};
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::convert::offset;

/// A rotation whose next step is this replica's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The rotation.
    pub uid: Uuid,
    /// What it finds counts while this is the rotation's epoch.
    pub epoch: i64,
    /// The account's id.
    pub account_id: String,
    /// The key's id.
    pub key_id: String,
    /// Whose answer its step may wait for: a rotator's host, or an account's provider.
    pub waits_for: String,
}

/// Takes one rotation that is due; only this one, where it is named, and none whose step may wait for what is `full`: that is a rotator's host,
/// or the account whose provider is asked. First those whose new version is dead, and whose previous one is not for sure: they may have to be
/// rolled back. Then the longest due, and those last that only have secrets forgotten, however many they are. A rotation that nobody has tried
/// yet is at its test from now on. One that is due later than any try is put off was put off by a clock that has been set back since. Those
/// that need a rotator wait while that has been asked as often as may be within a minute.
///
/// # Errors
/// As every query.
pub async fn claim(
    conn: &mut PgConnection,
    only: Option<Uuid>,
    full: &[String],
) -> Result<Option<Claimed>> {
    let row = sqlx::query_as!(
        Claimed,
        r#"with due as (
            select r.uid, coalesce(substring(o.url from '//([^/]+)'), k.account_uid::text) as waits_for
            from rotations r
            join keys k on k.uid = r.key_uid
            left join rotators o on o.account_uid = k.account_uid and r.step in ('creating', 'revoking', 'cancelled', 'rolled_back')
            where r.uid in (
                select uid from rotations where next_attempt_time <= clock_timestamp()
                    or next_attempt_time > clock_timestamp() + make_interval(secs => $4)
                union all
                select d.uid from key_versions n
                join rotations d on d.key_uid = n.key_uid and d.to_number = n.number
                join key_versions p on p.key_uid = n.key_uid and p.number = d.from_number
                where n.stage = 'current' and n.health = 'dead' and n.health_accuser is null and d.step = 'draining'
                    and d.next_attempt_time is null and p.stage = 'previous'
                    and not (p.health = 'dead' and p.health_accuser is null and p.health_until > clock_timestamp()))
                and r.step <> 'done' and ($1::uuid is null or r.uid = $1)
                and coalesce(substring(o.url from '//([^/]+)'), k.account_uid::text) <> all($2)
                and (o.asked >= $5 and o.asked_since between clock_timestamp() - interval '1 min' and clock_timestamp()) is not true
            order by r.step <> 'draining', r.step in ('revoking', 'cancelled', 'rolled_back'), r.next_attempt_time nulls first
            limit 1 for update of r skip locked
        )
        update rotations r set epoch = r.epoch + 1, next_attempt_time = clock_timestamp() + make_interval(secs => $3),
            step_time = case when r.step = 'pending' then clock_timestamp() else r.step_time end,
            step = case when r.step = 'pending' then 'testing' else r.step end
        from due, keys, accounts
        where r.uid = due.uid and keys.uid = r.key_uid and accounts.uid = keys.account_uid
        returning r.uid, r.epoch, accounts.id as account_id, keys.id as key_id, due.waits_for as "waits_for!""#,
        only,
        full,
        CLAIM_LASTS.as_secs_f64(),
        AGAIN_MAX.as_secs_f64(),
        ASKED_A_MINUTE_MAX
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Whether a rotation has not been promoted yet, and somebody has or is to take its next step within moments.
///
/// # Errors
/// As every query.
pub async fn is_due(conn: &mut PgConnection, uid: Uuid) -> Result<bool> {
    let is_due = sqlx::query_scalar!(
        r#"select step in ('creating', 'pending', 'testing') and attempts = 0 and not is_held as "is_due!" from rotations where uid = $1"#,
        uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(is_due.unwrap_or(false))
}

/// Of these keys, those that have a rotation under way before its promotion, or one that came to nothing since then.
///
/// # Errors
/// As every query.
pub async fn busy(conn: &mut PgConnection, keys: &[Uuid], since: Timestamp) -> Result<Vec<Uuid>> {
    let uids = sqlx::query_scalar!(
        "select distinct key_uid from rotations where key_uid = any($1)
            and (step in ('creating', 'pending', 'testing') or (step in ('cancelled', 'rolled_back') and create_time > $2 and create_time <= clock_timestamp()))",
        keys,
        offset(since)
    )
    .fetch_all(conn)
    .await?;
    Ok(uids)
}

/// How many rotations whose secret a rotator makes began since then; those that a clock saw begin that has been set back since are left out.
///
/// # Errors
/// As every query.
pub async fn begun_since(conn: &mut PgConnection, since: Timestamp) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from rotations where origin = 'rotator'
        and create_time > $1 and create_time <= clock_timestamp()"#,
        offset(since)
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Writes a try that came to nothing and changes nothing but when the next one is. False if somebody else has the step now.
///
/// # Errors
/// As every query.
pub async fn note_attempt(conn: &mut PgConnection, rotation: &Rotation) -> Result<bool> {
    let done = sqlx::query!(
        "update rotations set step = $3, attempts = $4, next_attempt_time = $5, why = $6, is_held = $7, update_time = $8
        where uid = $1 and epoch = $2",
        rotation.uid,
        rotation.epoch,
        rotation.step.as_str(),
        i32::try_from(rotation.attempts).unwrap_or(i32::MAX),
        due(rotation.next_attempt),
        rotation.why,
        rotation.is_held,
        offset(rotation.update_time)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
