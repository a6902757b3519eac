//! Table `settled`: leases that another replica settled, since the one that gave them was gone.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, unsigned};
use crate::domain::ledger::takeover::Settled;
use crate::domain::time::Timestamp;

/// What was settled of these leases, by issuer and number. Whoever asks holds each of them until the end of the transaction.
///
/// # Errors
/// As every query.
pub async fn lock(
    conn: &mut PgConnection,
    leases: &BTreeSet<(Uuid, u64)>,
) -> Result<HashMap<(Uuid, u64), Settled>> {
    let issuers: Vec<Uuid> = leases.iter().map(|(issuer, _)| *issuer).collect();
    let serials: Vec<i64> = leases.iter().map(|(_, serial)| signed(*serial)).collect();
    // In one order for all, so that nobody waits for each other.
    sqlx::query!(
        "insert into settled (issuer, serial, uses) select issuer, serial, 0
        from unnest($1::uuid[], $2::bigint[]) as lease (issuer, serial) order by issuer, serial on conflict do nothing",
        &issuers,
        &serials
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        "select s.issuer, s.serial, s.uses, s.sequences from settled s
        join unnest($1::uuid[], $2::bigint[]) as lease (issuer, serial) on s.issuer = lease.issuer and s.serial = lease.serial
        order by s.issuer, s.serial for update of s",
        &issuers,
        &serials
    )
    .fetch_all(conn)
    .await?;
    let settled = rows.into_iter().map(|row| {
        let settled = Settled {
            uses: row.uses.map(unsigned),
            sequences: row.sequences.iter().map(|s| s.cast_unsigned()).collect(),
        };
        ((row.issuer, unsigned(row.serial)), settled)
    });
    Ok(settled.collect())
}

/// Notes what is settled now of leases that are held.
///
/// # Errors
/// As every query.
pub async fn note(conn: &mut PgConnection, leases: &HashMap<(Uuid, u64), Settled>) -> Result<()> {
    for ((issuer, serial), settled) in leases {
        let sequences: Vec<i32> = settled.sequences.iter().map(|s| s.cast_signed()).collect();
        sqlx::query!(
            "update settled set uses = $3, sequences = $4 where issuer = $1 and serial = $2",
            issuer,
            signed(*serial),
            settled.uses.map(signed),
            &sequences
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Forgets leases that were settled before this, so old that no report on them is taken.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, before: Timestamp) -> Result<()> {
    sqlx::query!("delete from settled where create_time < $1", offset(before))
        .execute(conn)
        .await?;
    Ok(())
}
