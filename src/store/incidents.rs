//! Table `incidents`: providers that fail, ways out that are barred, and pools whose keys die together.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::incident::{Incident, IncidentKind};

/// A row, column by column.
#[derive(Debug)]
struct IncidentRow {
    kind: String,
    subject: String,
    since: OffsetDateTime,
    until: OffsetDateTime,
    ended_time: Option<OffsetDateTime>,
    why: String,
    strikes: i32,
    accusers: Vec<Uuid>,
}

impl IncidentRow {
    /// `None` for a kind that this release does not know.
    fn read(self) -> Option<(IncidentKind, String, Incident)> {
        let kind = IncidentKind::from_stored(&self.kind)?;
        let incident = Incident {
            since: timestamp(self.since),
            until: timestamp(self.until),
            ended: self.ended_time.map(timestamp),
            why: self.why,
            strikes: u32::try_from(self.strikes).unwrap_or(0),
            accusers: self.accusers,
        };
        Some((kind, self.subject, incident))
    }
}

/// Those that changed after a revision.
///
/// # Errors
/// As every query.
pub async fn since(
    conn: &mut PgConnection,
    rev: i64,
) -> Result<Vec<(IncidentKind, String, Incident)>> {
    let rows = sqlx::query_as!(
        IncidentRow,
        "select kind, subject, since, until, ended_time, why, strikes, accusers from incidents where rev > $1",
        rev
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(IncidentRow::read).collect())
}

/// What is stored of one, locked.
///
/// # Errors
/// As every query.
pub async fn lock(
    conn: &mut PgConnection,
    kind: IncidentKind,
    subject: &str,
) -> Result<Option<Incident>> {
    let row = sqlx::query_as!(
        IncidentRow,
        "select kind, subject, since, until, ended_time, why, strikes, accusers from incidents
        where kind = $1 and subject = $2 for update",
        kind.as_str(),
        subject
    )
    .fetch_optional(conn)
    .await?;
    Ok(row
        .and_then(IncidentRow::read)
        .map(|(.., incident)| incident))
}

/// Stores one, whatever was stored of it.
///
/// # Errors
/// As every query.
pub async fn put(
    conn: &mut PgConnection,
    kind: IncidentKind,
    subject: &str,
    rev: i64,
    incident: &Incident,
) -> Result<()> {
    sqlx::query!(
        "insert into incidents (kind, subject, rev, since, until, ended_time, why, strikes, accusers)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (kind, subject) do update set rev = excluded.rev, since = excluded.since, until = excluded.until,
            ended_time = excluded.ended_time, why = excluded.why, strikes = excluded.strikes, accusers = excluded.accusers",
        kind.as_str(),
        subject,
        rev,
        offset(incident.since),
        offset(incident.until),
        incident.ended.map(offset),
        incident.why,
        i32::try_from(incident.strikes).unwrap_or(i32::MAX),
        &incident.accusers
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A person says that what is held against the providers of this profile or host is over. Answers how many such things.
///
/// # Errors
/// As every query.
pub async fn clear(conn: &mut PgConnection, profile_or_host: &str, rev: i64) -> Result<u64> {
    let done = sqlx::query!(
        "update incidents set ended_time = clock_timestamp(), strikes = 0, rev = $2
        where kind in ('breaker', 'egress') and $1 in (split_part(subject, '/', 1), split_part(subject, '/', 2))
            and ended_time is null and (kind = 'breaker' or until > clock_timestamp())",
        profile_or_host,
        rev
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whether the next trial of a provider may go out: its breaker is open, and has been for as long as it said.
///
/// # Errors
/// As every query.
pub async fn is_due(conn: &mut PgConnection, subject: &str) -> Result<bool> {
    let is_due = sqlx::query_scalar!(
        r#"select ended_time is null and until <= clock_timestamp() as "is_due!"
        from incidents where kind = 'breaker' and subject = $1"#,
        subject
    )
    .fetch_optional(conn)
    .await?;
    Ok(is_due.unwrap_or(false))
}

/// Forgets what ended long ago, and whose relapse would be none.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "delete from incidents where ended_time < clock_timestamp() - interval '1 hour'
            or (kind <> 'breaker' and until < clock_timestamp() - interval '1 hour')"
    )
    .execute(conn)
    .await?;
    Ok(())
}
