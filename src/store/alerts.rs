//! Table `alerts`: one row from when a condition is first seen until it is over.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

mod reading;

pub use reading::{count_open, list, open};

use super::Result;
use super::convert::offset;
use crate::domain::alerts::delivery::SinkKind;
use crate::domain::alerts::{Condition, Severity};
use crate::domain::time::Timestamp;

/// An alert, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Immutable.
    pub uid: Uuid,
    /// What it is about; a newer release may have written a word that this one does not know.
    pub kind: String,
    /// The resource, by name.
    pub resource: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is so.
    pub summary: String,
    /// What to do.
    pub remedy: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Since when.
    pub open_time: Timestamp,
    /// When some replica last saw that it holds.
    pub seen_time: Timestamp,
    /// When it was over.
    pub resolve_time: Option<Timestamp>,
}

/// The name of an alert that is open.
#[derive(Debug)]
pub struct OpenName {
    /// Of the alert.
    pub uid: Uuid,
    /// What it is about.
    pub kind: String,
    /// The resource.
    pub resource: String,
}

/// Opens an alert of each condition that has none, to be told to these sinks. Of replicas that see one at the same time, one opens it.
///
/// # Errors
/// As every query.
pub async fn insert(
    conn: &mut PgConnection,
    conditions: &[&Condition],
    sinks: &[SinkKind],
) -> Result<()> {
    let columns = Columns::of(conditions);
    let sinks: Vec<String> = sinks.iter().map(|s| s.as_str().to_owned()).collect();
    sqlx::query!(
        "with opened as (
            insert into alerts (uid, kind, resource, severity, summary, remedy, until)
            select gen_random_uuid(), c.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) as c
            on conflict (kind, resource) where resolve_time is null do nothing returning uid)
        insert into alert_deliveries (alert_uid, sink, event)
        select opened.uid, sinks.sink, 'opened' from opened, unnest($7::text[]) as sinks (sink)",
        &columns.kinds,
        &columns.resources,
        &columns.severities,
        &columns.summaries,
        &columns.remedies,
        &columns.untils as &[Option<OffsetDateTime>],
        &sinks
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These conditions hold still: their alerts are not over. What was told as recently as `fresh` ago is not written again.
///
/// # Errors
/// As every query.
pub async fn see(
    conn: &mut PgConnection,
    conditions: &[&Condition],
    fresh: Duration,
) -> Result<()> {
    let columns = Columns::of(conditions);
    sqlx::query!(
        "update alerts a set seen_time = clock_timestamp(), summary = c.summary, remedy = c.remedy, until = c.until
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as c (kind, resource, summary, remedy, until)
        where a.resolve_time is null and a.kind = c.kind and a.resource = c.resource
            and a.seen_time < clock_timestamp() - make_interval(secs => $6)",
        &columns.kinds,
        &columns.resources,
        &columns.summaries,
        &columns.remedies,
        &columns.untils as &[Option<OffsetDateTime>],
        fresh.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells these conditions again where they were last told longer ago than `every`.
///
/// # Errors
/// As every query.
pub async fn tell_again(
    conn: &mut PgConnection,
    conditions: &[&Condition],
    every: Duration,
    sinks: &[SinkKind],
) -> Result<()> {
    let columns = Columns::of(conditions);
    let sinks: Vec<String> = sinks.iter().map(|s| s.as_str().to_owned()).collect();
    sqlx::query!(
        "with told as (
            update alerts a set told_time = clock_timestamp()
            from unnest($1::text[], $2::text[]) as c (kind, resource)
            where a.resolve_time is null and a.kind = c.kind and a.resource = c.resource
                and a.told_time < clock_timestamp() - make_interval(secs => $3) returning a.uid)
        insert into alert_deliveries (alert_uid, sink, event)
        select told.uid, sinks.sink, 'still_open' from told, unnest($4::text[]) as sinks (sink)
        where not exists (select from alert_deliveries d where d.alert_uid = told.uid and d.sink = sinks.sink and d.end_time is null)",
        &columns.kinds,
        &columns.resources,
        every.as_secs_f64(),
        &sinks
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the alerts that nobody has seen for `grace`, and has that told to these sinks; none where the clock is not near `now`, since it was
/// set a moment ago.
///
/// # Errors
/// As every query.
pub async fn resolve(
    conn: &mut PgConnection,
    grace: Duration,
    now: Timestamp,
    sinks: &[SinkKind],
) -> Result<()> {
    let sinks: Vec<String> = sinks.iter().map(|s| s.as_str().to_owned()).collect();
    sqlx::query!(
        "with over as (
            update alerts set resolve_time = clock_timestamp()
            where resolve_time is null and seen_time < clock_timestamp() - make_interval(secs => $1)
                and clock_timestamp() between $3::timestamptz - interval '2 seconds' and $3::timestamptz + interval '2 seconds'
            returning uid)
        insert into alert_deliveries (alert_uid, sink, event)
        select over.uid, sinks.sink, 'resolved' from over, unnest($2::text[]) as sinks (sink)",
        grace.as_secs_f64(),
        &sinks,
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets alerts that have been over for so long, with their deliveries.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, age: Duration) -> Result<()> {
    sqlx::query!(
        "delete from alerts where resolve_time < clock_timestamp() - make_interval(secs => $1)",
        age.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Conditions, column by column.
struct Columns {
    kinds: Vec<String>,
    resources: Vec<String>,
    severities: Vec<String>,
    summaries: Vec<String>,
    remedies: Vec<String>,
    untils: Vec<Option<OffsetDateTime>>,
}

impl Columns {
    fn of(conditions: &[&Condition]) -> Self {
        let texts = |of: fn(&Condition) -> &str| -> Vec<String> {
            conditions.iter().map(|c| of(c).to_owned()).collect()
        };
        Self {
            kinds: texts(|c| c.name.kind.as_str()),
            resources: texts(|c| &c.name.resource),
            severities: texts(|c| c.name.kind.severity().as_str()),
            summaries: texts(|c| &c.summary),
            remedies: texts(|c| &c.remedy),
            untils: conditions.iter().map(|c| c.until.map(offset)).collect(),
        }
    }
}
