//! Old blocks of long windows that become one, in table `limit_blocks`. Whoever writes here holds the lock of the limit's row in
//! `limit_ledgers`.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, timestamp, unsigned};
use crate::domain::ledger::merging::{Merging, Row};

/// The rows that are to be merged.
///
/// # Errors
/// When the database fails.
pub async fn rows(conn: &mut PgConnection, merging: &Merging) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select block_id as "block_id!", units as "units!", charge_until as "charge_until!", grant_number as "grant_number!" from
             ((select block_id, units, charge_until, grant_number from limit_blocks
               where limit_uid = $1 and (ended or open_until <= $2) order by charge_until limit $3)
              union all
              (select block_id, units, charge_until, grant_number from limit_blocks
               where limit_uid = $1 and closed and not ended and open_until > $2 order by open_until limit $4)) as old"#,
        merging.limit,
        offset(merging.heard),
        signed(merging.over),
        signed(merging.unheard)
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        block_id: row.block_id,
        units: unsigned(row.units),
        charge_until: timestamp(row.charge_until),
        grant_number: row.grant_number,
    });
    Ok(rows.collect())
}

/// Removes rows in whose place others are charged.
///
/// # Errors
/// When the database fails.
pub async fn remove(conn: &mut PgConnection, blocks: &[Uuid]) -> Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    sqlx::query!("delete from limit_blocks where block_id = any($1)", blocks)
        .execute(conn)
        .await?;
    Ok(())
}
