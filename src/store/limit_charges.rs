//! What is charged to limits, for people to look at: reads `limit_blocks` and `limit_ledgers`, locks and decides nothing.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::timestamp;
use crate::domain::time::Timestamp;

/// What is charged to one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// Units that somebody used, or may still.
    pub units: u64,
    /// When the next of them is free again; none if nothing is charged.
    pub next_end: Option<Timestamp>,
}

/// What is charged to these limits; those that nothing is charged to are left out.
///
/// The ledger's low clock moves when somebody reserves, so that of an idle limit stands still: here charges end by the database's
/// clock where that is ahead, as they would with the next reservation.
///
/// # Errors
/// As every query.
pub async fn of_limits(conn: &mut PgConnection, limits: &[Uuid]) -> Result<HashMap<Uuid, Charge>> {
    let rows = sqlx::query!(
        r#"select block.limit_uid, least(sum(block.units), 9223372036854775807)::bigint as "units!", min(block.charge_until) as "next_end!"
        from limit_blocks as block join limit_ledgers as ledger on ledger.limit_uid = block.limit_uid
        where block.limit_uid = any($1) and block.units > 0
            and block.charge_until > greatest(ledger.last_low, clock_timestamp())
        group by block.limit_uid"#,
        limits
    )
    .fetch_all(conn)
    .await?;
    let charges = rows.into_iter().map(|row| {
        let charge = Charge {
            units: row.units.max(0).unsigned_abs(),
            next_end: Some(timestamp(row.next_end)),
        };
        (row.limit_uid, charge)
    });
    Ok(charges.collect())
}
