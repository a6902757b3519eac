//! Transactions on Postgres as the lease rate grows: a few a second, whatever the rate.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::{Instant, sleep};

use crate::bounds::{Bounds, FLAT};
use crate::extent::Extent;
use crate::figures::{Figures, rounded};
use crate::say;
use crate::side::Side;
use crate::vault::Vault;

const POOL: &str = "bench";
/// Leases per second.
const RATES: [u64; 4] = [0, 100, 1_000, 10_000];
/// Postgres counts a backend's transactions when it has been idle for a moment, at the latest once a second.
const COUNTED_WITHIN: Duration = Duration::from_millis(1_500);

/// Measures each rate, of one replica.
pub(crate) async fn database(extent: Extent) -> anyhow::Result<()> {
    let vault = Vault::start().await?;
    vault.fill(POOL, 1).await?;
    let lease = Side::lease("LeaseKey", &vault, POOL)?;
    let connection = vault.postgres.connect_options().database("postgres");
    let mut connection = connection.connect().await?;
    let (mut figures, mut made) = (Figures::default(), Vec::new());
    for rate in RATES {
        let name = format!("transactions/s at {rate} leases/s");
        let figure = async {
            let per_second = at_rate(&lease, &mut connection, rate, extent.held_seconds()).await?;
            if rate > 0 {
                made.push(per_second);
            }
            Ok(json!(rounded(per_second)))
        };
        figures.measure(&name, figure).await;
    }
    vault.end().await?;
    let (lowest, highest) = (made.first(), made.last());
    if let Some((lowest, highest)) = lowest
        .zip(highest)
        .filter(|_| made.len() + 1 == RATES.len())
    {
        let mut bounds = Bounds::default();
        bounds.add("transactions_by_rate", highest / lowest, FLAT);
        figures.bounded(bounds);
    }
    figures.tell()
}

async fn at_rate(
    lease: &Side<'_>,
    connection: &mut PgConnection,
    rate: u64,
    seconds: u64,
) -> anyhow::Result<f64> {
    sleep(COUNTED_WITHIN).await;
    let (began, before) = (Instant::now(), transactions(connection).await?);
    if rate == 0 {
        sleep(Duration::from_secs(seconds)).await;
    } else {
        let held = lease.hold(rate, seconds).await?;
        held.context("the rate was not reached; the machine is too busy")?;
    }
    sleep(COUNTED_WITHIN).await;
    let made = transactions(connection).await? - before;
    let per_second = f64::from(u32::try_from(made)?) / began.elapsed().as_secs_f64();
    say(&format!(
        "{rate:>9} leases/s: {per_second:.1} transactions/s"
    ));
    Ok(per_second)
}

/// Of the vault's database; those of this connection count elsewhere.
async fn transactions(connection: &mut PgConnection) -> anyhow::Result<i64> {
    let query =
        "select xact_commit + xact_rollback from pg_stat_database where datname = 'keylease'";
    Ok(sqlx::query_scalar(query).fetch_one(connection).await?)
}
