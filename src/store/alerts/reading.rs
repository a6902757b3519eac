//! What is read of alerts.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::{Alert, OpenName};
use crate::domain::alerts::Severity;
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::convert::{offset, timestamp, unsigned};

/// A row, column by column.
#[derive(Debug)]
struct AlertRow {
    uid: Uuid,
    kind: String,
    resource: String,
    severity: String,
    summary: String,
    remedy: String,
    until: Option<OffsetDateTime>,
    open_time: OffsetDateTime,
    seen_time: OffsetDateTime,
    resolve_time: Option<OffsetDateTime>,
}

impl From<AlertRow> for Alert {
    fn from(row: AlertRow) -> Self {
        Self {
            uid: row.uid,
            kind: row.kind,
            resource: row.resource,
            severity: Severity::from_stored(&row.severity),
            summary: row.summary,
            remedy: row.remedy,
            until: row.until.map(timestamp),
            open_time: timestamp(row.open_time),
            seen_time: timestamp(row.seen_time),
            resolve_time: row.resolve_time.map(timestamp),
        }
    }
}

/// The names of alerts that are open: their number is bounded by what makes them.
///
/// # Errors
/// As every query.
pub async fn open(conn: &mut PgConnection) -> Result<Vec<OpenName>> {
    let rows = sqlx::query_as!(
        OpenName,
        "select uid, kind, resource from alerts where resolve_time is null"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Alerts before the one with this time and uid (none: from the newest on), newest first; only open ones, if wanted.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    before: Option<(Timestamp, Uuid)>,
    is_open: bool,
    rows_max: i64,
) -> Result<Vec<Alert>> {
    let rows = sqlx::query_as!(
        AlertRow,
        "select uid, kind, resource, severity, summary, remedy, until, open_time, seen_time, resolve_time from alerts
        where ($1::timestamptz is null or (open_time, uid) < ($1, $2)) and (not $3 or resolve_time is null)
        order by open_time desc, uid desc limit $4",
        before.map(|(time, _)| offset(time)),
        before.map(|(_, uid)| uid),
        is_open,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Alert::from).collect())
}

/// How many alerts are open, by kind.
///
/// # Errors
/// As every query.
pub async fn count_open(conn: &mut PgConnection) -> Result<Vec<(String, u64)>> {
    let rows = sqlx::query!(
        r#"select kind, count(*) as "count!" from alerts where resolve_time is null group by kind"#
    )
    .fetch_all(conn)
    .await?;
    let counts = rows.into_iter().map(|row| (row.kind, unsigned(row.count)));
    Ok(counts.collect())
}
