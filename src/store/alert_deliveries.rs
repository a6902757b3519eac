//! Table `alert_deliveries`: what is to be told of alerts, to whom, and what became of it.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::alerts::Alert;
use super::convert::timestamp;
use crate::domain::alerts::Severity;
use crate::domain::alerts::delivery::{Event, SinkKind};
use crate::domain::time::Timestamp;

/// A delivery that this replica has taken.
#[derive(Debug, Clone)]
pub struct Due {
    /// Sent with it.
    pub uid: Uuid,
    /// The event, as stored.
    pub event: String,
    /// Tries begun, this one included.
    pub attempts: u32,
    /// How old it is.
    pub age: Duration,
    /// What is told of.
    pub alert: Alert,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Of which alert.
    pub alert_uid: Uuid,
    /// Sent with it.
    pub uid: Uuid,
    /// To whom, as stored.
    pub sink: String,
    /// What is told; none for what this release does not know.
    pub event: Option<Event>,
    /// Tries begun.
    pub attempts: u32,
    /// When it arrived, or was given up.
    pub end_time: Option<Timestamp>,
    /// Whether it arrived.
    pub delivered: bool,
    /// When it is tried next.
    pub next_attempt_time: Timestamp,
    /// What the last try came to.
    pub detail: String,
}

/// Takes at most so many that are due to a sink, in the order in which they are to arrive: of one alert none before those that came
/// earlier. Should nobody say what became of one, it is due again after `hold`.
///
/// # Errors
/// As every query.
pub async fn take(
    conn: &mut PgConnection,
    sink: SinkKind,
    hold: Duration,
    rows_max: i64,
) -> Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"with taken as (
            update alert_deliveries set attempts = attempts + 1, next_attempt_time = clock_timestamp() + make_interval(secs => $2)
            where uid in (
                select d.uid from alert_deliveries d
                where d.sink = $1 and d.end_time is null and d.next_attempt_time <= clock_timestamp()
                    and not exists (select from alert_deliveries e
                        where e.alert_uid = d.alert_uid and e.sink = d.sink and e.end_time is null and e.number < d.number)
                order by d.number limit $3 for update skip locked)
                -- Somebody may have taken it between the look and the lock.
                and end_time is null and next_attempt_time <= clock_timestamp()
            returning uid, number, event, attempts, create_time, alert_uid)
        select t.uid, t.event, t.attempts, extract(epoch from clock_timestamp() - t.create_time)::float8 as "age!",
            a.uid as alert_uid, a.kind, a.resource, a.severity, a.summary, a.remedy, a.until, a.open_time, a.seen_time, a.resolve_time
        from taken t join alerts a on a.uid = t.alert_uid order by t.number"#,
        sink.as_str(),
        hold.as_secs_f64(),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let due = rows.into_iter().map(|row| Due {
        uid: row.uid,
        event: row.event,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
        alert: Alert {
            uid: row.alert_uid,
            kind: row.kind,
            resource: row.resource,
            severity: Severity::from_stored(&row.severity),
            summary: row.summary,
            remedy: row.remedy,
            until: row.until.map(timestamp),
            open_time: timestamp(row.open_time),
            seen_time: timestamp(row.seen_time),
            resolve_time: row.resolve_time.map(timestamp),
        },
    });
    Ok(due.collect())
}

/// It has arrived, or is given up.
///
/// # Errors
/// As every query.
pub async fn end(conn: &mut PgConnection, uid: Uuid, delivered: bool, detail: &str) -> Result<()> {
    sqlx::query!(
        "update alert_deliveries set end_time = clock_timestamp(), delivered = $2, detail = $3 where uid = $1 and not delivered",
        uid,
        delivered,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It is tried again after `wait`, unless somebody else has tried it meanwhile.
///
/// # Errors
/// As every query.
pub async fn put_off(
    conn: &mut PgConnection,
    uid: Uuid,
    attempts: u32,
    wait: Duration,
    detail: &str,
) -> Result<()> {
    sqlx::query!(
        "update alert_deliveries set next_attempt_time = clock_timestamp() + make_interval(secs => $3), detail = $4
        where uid = $1 and attempts = $2 and end_time is null",
        uid,
        attempts.cast_signed(),
        wait.as_secs_f64(),
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What became of the deliveries of these alerts, in their order.
///
/// # Errors
/// As every query.
pub async fn of_alerts(conn: &mut PgConnection, alerts: &[Uuid]) -> Result<Vec<Delivery>> {
    let rows = sqlx::query!(
        "select alert_uid, uid, sink, event, attempts, end_time, delivered, next_attempt_time, detail
        from alert_deliveries where alert_uid = any($1) order by alert_uid, number",
        alerts
    )
    .fetch_all(conn)
    .await?;
    let deliveries = rows.into_iter().map(|row| Delivery {
        alert_uid: row.alert_uid,
        uid: row.uid,
        sink: row.sink,
        event: Event::from_stored(&row.event),
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        end_time: row.end_time.map(timestamp),
        delivered: row.delivered,
        next_attempt_time: timestamp(row.next_attempt_time),
        detail: row.detail,
    });
    Ok(deliveries.collect())
}

/// How long the oldest delivery to each sink has waited; sinks that nothing waits for are not there.
///
/// # Errors
/// As every query.
pub async fn oldest(conn: &mut PgConnection) -> Result<Vec<(String, Duration)>> {
    let rows = sqlx::query!(
        r#"select sink, extract(epoch from clock_timestamp() - min(create_time))::float8 as "age!"
        from alert_deliveries where end_time is null group by sink"#
    )
    .fetch_all(conn)
    .await?;
    let ages = rows.into_iter().map(|row| {
        let age = Duration::try_from_secs_f64(row.age).unwrap_or_default();
        (row.sink, age)
    });
    Ok(ages.collect())
}

/// Gives up what is older than `age`, such as what is for a sink that no replica has any more.
///
/// # Errors
/// As every query.
pub async fn give_up(conn: &mut PgConnection, age: Duration) -> Result<()> {
    sqlx::query!(
        "update alert_deliveries set end_time = clock_timestamp()
        where end_time is null and create_time < clock_timestamp() - make_interval(secs => $1)",
        age.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets, of alerts that stay open, what was delivered so long ago.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, age: Duration) -> Result<()> {
    sqlx::query!(
        "delete from alert_deliveries where end_time < clock_timestamp() - make_interval(secs => $1)",
        age.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}
