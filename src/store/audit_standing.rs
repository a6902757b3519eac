//! Table `audit_standing`: what is known of the audit's chains as a whole.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::chain::{Adopted, Standing};

/// The row, as stored: nothing of it is proven until its MAC is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStanding {
    /// What it says.
    pub standing: Standing,
    /// Over all of that.
    pub mac: Vec<u8>,
}

/// The row, column by column.
struct Columns {
    since: sqlx::types::time::OffsetDateTime,
    begun_changes: i64,
    begun_leases: i64,
    adopted_writer: Option<Uuid>,
    adopted_rows: Option<i64>,
    mac: Vec<u8>,
}

impl From<Columns> for StoredStanding {
    fn from(row: Columns) -> Self {
        let adopted = row.adopted_writer.zip(row.adopted_rows);
        Self {
            standing: Standing {
                since: timestamp(row.since),
                begun_changes: row.begun_changes,
                begun_leases: row.begun_leases,
                adopted: adopted.map(|(writer, rows)| Adopted { writer, rows }),
            },
            mac: row.mac,
        }
    }
}

/// The row, if there is one.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection) -> Result<Option<StoredStanding>> {
    let row = sqlx::query_as!(
        Columns,
        "select since, begun_changes, begun_leases, adopted_writer, adopted_rows, mac from audit_standing"
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(StoredStanding::from))
}

/// The same, held until the transaction ends.
///
/// # Errors
/// As every query.
pub async fn lock(conn: &mut PgConnection) -> Result<Option<StoredStanding>> {
    let row = sqlx::query_as!(
        Columns,
        "select since, begun_changes, begun_leases, adopted_writer, adopted_rows, mac from audit_standing for update"
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(StoredStanding::from))
}

/// Writes the row.
///
/// # Errors
/// As every query.
pub async fn put(conn: &mut PgConnection, standing: &Standing, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into audit_standing (since, begun_changes, begun_leases, adopted_writer, adopted_rows, mac)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (singleton) do update set since = $1, begun_changes = $2, begun_leases = $3, adopted_writer = $4,
            adopted_rows = $5, mac = $6",
        offset(standing.since),
        standing.begun_changes,
        standing.begun_leases,
        standing.adopted.map(|adopted| adopted.writer),
        standing.adopted.map(|adopted| adopted.rows),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}
