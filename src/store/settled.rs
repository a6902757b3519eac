//! Table `settled`: leases that another replica settled, since the one that gave them was gone.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{signed, unsigned};

/// Notes these leases as settled; answers those that were not yet.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, leases: &[(Uuid, u64)]) -> Result<Vec<(Uuid, u64)>> {
    let issuers: Vec<Uuid> = leases.iter().map(|(issuer, _)| *issuer).collect();
    let serials: Vec<i64> = leases.iter().map(|(_, serial)| signed(*serial)).collect();
    let rows = sqlx::query!(
        "insert into settled (issuer, serial) select distinct issuer, serial
        from unnest($1::uuid[], $2::bigint[]) as lease (issuer, serial)
        on conflict do nothing returning issuer, serial",
        &issuers,
        &serials
    )
    .fetch_all(conn)
    .await?;
    let new = rows
        .into_iter()
        .map(|row| (row.issuer, unsigned(row.serial)));
    Ok(new.collect())
}

/// Forgets leases so old that no report on them is taken.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, age: Duration) -> Result<()> {
    sqlx::query!(
        "delete from settled where create_time < clock_timestamp() - make_interval(secs => $1)",
        age.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}
