//! The heads of chains alone, of which there may be many.

use sqlx::PgConnection;
use uuid::Uuid;

use super::EndRow;
use crate::domain::chain::Chain;
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::convert::{offset, timestamp};

/// The head of a chain, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    /// Whose chain.
    pub writer: Uuid,
    /// When the chain began.
    pub create_time: Timestamp,
    /// Its last row.
    pub head: EndRow,
}

/// The columns of a head.
struct HeadColumns {
    writer: Uuid,
    create_time: sqlx::types::time::OffsetDateTime,
    head_sequence: i64,
    head_hash: Vec<u8>,
    head_mac: Vec<u8>,
}

impl From<HeadColumns> for HeadRow {
    fn from(row: HeadColumns) -> Self {
        Self {
            writer: row.writer,
            create_time: timestamp(row.create_time),
            head: EndRow {
                sequence: row.head_sequence,
                hash: row.head_hash,
                mac: row.head_mac,
            },
        }
    }
}

/// The heads of a kind's chains that were written to since, the latest first: at most so many. Nothing of a row is proven, its times least
/// of all.
///
/// # Errors
/// As every query.
pub async fn since(
    conn: &mut PgConnection,
    chain: Chain,
    since: Timestamp,
    rows_max: i64,
) -> Result<Vec<HeadRow>> {
    let rows = sqlx::query_as!(
        HeadColumns,
        "select writer, create_time, head_sequence, head_hash, head_mac
        from audit_chains where chain = $1 and update_time >= $2 order by update_time desc, writer limit $3",
        chain.as_str(),
        offset(since),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(HeadRow::from).collect())
}

/// The heads of the chains of a kind that these writers have.
///
/// # Errors
/// As every query.
pub async fn among(
    conn: &mut PgConnection,
    chain: Chain,
    writers: &[Uuid],
) -> Result<Vec<HeadRow>> {
    let rows = sqlx::query_as!(
        HeadColumns,
        "select writer, create_time, head_sequence, head_hash, head_mac
        from audit_chains where chain = $1 and writer = any($2)",
        chain.as_str(),
        writers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(HeadRow::from).collect())
}
