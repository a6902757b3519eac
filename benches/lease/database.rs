//! Transactions on Postgres as the lease rate grows: a few a second, whatever the rate.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Map, Value, json};
use sqlx::{ConnectOptions, PgConnection};
use tokio::time::{Instant, sleep};

use crate::figures::rounded;
use crate::say;
use crate::side::Side;
use crate::vault::Vault;

const POOL: &str = "bench";
/// Leases per second.
const RATES: [u64; 4] = [0, 100, 1_000, 10_000];
/// How long each rate is held.
const SECONDS: u64 = 10;
/// Postgres counts a backend's transactions when it has been idle for a moment, at the latest once a second.
const COUNTED_WITHIN: Duration = Duration::from_millis(1_500);

/// Measures each rate.
pub(crate) async fn database() -> anyhow::Result<()> {
    let vault = Vault::start().await?;
    vault.fill(POOL, 1).await?;
    let lease = Side::lease("LeaseKey", &vault, POOL)?;
    let mut connection = vault
        .postgres
        .connect_options()
        .database("postgres")
        .connect()
        .await?;
    let mut figures = Map::new();
    for rate in RATES {
        sleep(COUNTED_WITHIN).await;
        let (began, before) = (Instant::now(), transactions(&mut connection).await?);
        match rate {
            0 => sleep(Duration::from_secs(SECONDS)).await,
            rate => {
                let held = lease.hold(rate, SECONDS).await?;
                held.context("the rate was not reached; the machine is too busy")?;
            }
        }
        sleep(COUNTED_WITHIN).await;
        let seconds = began.elapsed().as_secs_f64();
        let made = transactions(&mut connection).await? - before;
        let per_second = f64::from(u32::try_from(made)?) / seconds;
        say(&format!(
            "{rate:>9} leases/s: {per_second:.1} transactions/s"
        ));
        figures.insert(rate.to_string(), json!(rounded(per_second)));
    }
    vault.end().await?;
    say(
        &json!({"transactions_per_second_by_leases_per_second": Value::Object(figures)})
            .to_string(),
    );
    Ok(())
}

/// Of the vault's database; those of this connection count elsewhere.
async fn transactions(connection: &mut PgConnection) -> anyhow::Result<i64> {
    let query =
        "select xact_commit + xact_rollback from pg_stat_database where datname = 'keylease'";
    Ok(sqlx::query_scalar(query).fetch_one(connection).await?)
}
