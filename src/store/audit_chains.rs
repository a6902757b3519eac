//! Table `audit_chains`: where each writer's chain begins and ends.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::chain::Chain;
use crate::domain::time::Timestamp;

mod heads;

pub use heads::{HeadRow, among as heads_among, since as heads_since};

/// A chain, as stored: nothing of it is proven until its MACs are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// Of what.
    pub chain: Chain,
    /// Whose.
    pub writer: Uuid,
    /// When it began.
    pub create_time: Timestamp,
    /// What it saw of others then.
    pub witnessed: Vec<u8>,
    /// Over the three above: the hash before the first row.
    pub birth_mac: Vec<u8>,
    /// Rows up to here were removed.
    pub anchor: EndRow,
    /// Its last row.
    pub head: EndRow,
}

/// An end of a chain, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndRow {
    /// Of the row.
    pub sequence: i64,
    /// Of the row.
    pub hash: Vec<u8>,
    /// Over both.
    pub mac: Vec<u8>,
}

/// A row, column by column.
struct Columns {
    chain: String,
    writer: Uuid,
    create_time: sqlx::types::time::OffsetDateTime,
    witnessed: Vec<u8>,
    birth_mac: Vec<u8>,
    anchor_sequence: i64,
    anchor_hash: Vec<u8>,
    anchor_mac: Vec<u8>,
    head_sequence: i64,
    head_hash: Vec<u8>,
    head_mac: Vec<u8>,
}

impl From<Columns> for ChainRow {
    fn from(row: Columns) -> Self {
        Self {
            // The column knows two words.
            chain: Chain::from_stored(&row.chain).unwrap_or(Chain::Changes),
            writer: row.writer,
            create_time: timestamp(row.create_time),
            witnessed: row.witnessed,
            birth_mac: row.birth_mac,
            anchor: EndRow {
                sequence: row.anchor_sequence,
                hash: row.anchor_hash,
                mac: row.anchor_mac,
            },
            head: EndRow {
                sequence: row.head_sequence,
                hash: row.head_hash,
                mac: row.head_mac,
            },
        }
    }
}

/// The chain of a writer, if it has begun. Holds the row until the transaction ends.
///
/// # Errors
/// As every query.
pub async fn lock(conn: &mut PgConnection, chain: Chain, writer: Uuid) -> Result<Option<ChainRow>> {
    let row = sqlx::query_as!(
        Columns,
        "select chain, writer, create_time, witnessed, birth_mac, anchor_sequence, anchor_hash, anchor_mac,
            head_sequence, head_hash, head_mac
        from audit_chains where chain = $1 and writer = $2 for update",
        chain.as_str(),
        writer
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ChainRow::from))
}

/// Every chain of a kind, in the order in which they began. A boot makes one, so that there are as many as there were restarts.
///
/// # Errors
/// As every query.
pub async fn list(conn: &mut PgConnection, chain: Chain) -> Result<Vec<ChainRow>> {
    let rows = sqlx::query_as!(
        Columns,
        "select chain, writer, create_time, witnessed, birth_mac, anchor_sequence, anchor_hash, anchor_mac,
            head_sequence, head_hash, head_mac
        from audit_chains where chain = $1 order by create_time, writer",
        chain.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ChainRow::from).collect())
}

/// How many chains of a kind there are.
///
/// # Errors
/// As every query.
pub async fn count(conn: &mut PgConnection, chain: Chain) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from audit_chains where chain = $1"#,
        chain.as_str()
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Begins a chain.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, row: &ChainRow) -> Result<()> {
    sqlx::query!(
        "insert into audit_chains (chain, writer, create_time, witnessed, birth_mac, anchor_sequence, anchor_hash, anchor_mac,
            head_sequence, head_hash, head_mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        row.chain.as_str(),
        row.writer,
        offset(row.create_time),
        row.witnessed,
        row.birth_mac,
        row.anchor.sequence,
        row.anchor.hash,
        row.anchor.mac,
        row.head.sequence,
        row.head.hash,
        row.head.mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A chain's head is this now.
///
/// # Errors
/// As every query.
pub async fn advance(
    conn: &mut PgConnection,
    chain: Chain,
    writer: Uuid,
    head: &EndRow,
) -> Result<()> {
    sqlx::query!(
        "update audit_chains set head_sequence = $3, head_hash = $4, head_mac = $5, update_time = clock_timestamp()
        where chain = $1 and writer = $2",
        chain.as_str(),
        writer,
        head.sequence,
        head.hash,
        head.mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A chain's anchor is this now.
///
/// # Errors
/// As every query.
pub async fn anchor(
    conn: &mut PgConnection,
    chain: Chain,
    writer: Uuid,
    anchor: &EndRow,
) -> Result<()> {
    sqlx::query!(
        "update audit_chains set anchor_sequence = $3, anchor_hash = $4, anchor_mac = $5 where chain = $1 and writer = $2",
        chain.as_str(),
        writer,
        anchor.sequence,
        anchor.hash,
        anchor.mac
    )
    .execute(conn)
    .await?;
    Ok(())
}
