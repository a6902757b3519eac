//! A whole vault wrapped anew while it leases: how fast, how long, and what leases feel of it, beside the same leases before and after.

use std::time::Duration;

use anyhow::{Context, ensure};
use keylease::proto;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::extent::Extent;
use crate::figures::{Figures, median, rounded};
use crate::say;
use crate::side::Side;
use crate::vault::Vault;

const POOL: &str = "bench";
/// A key that is added is read within this time, with room for a busy machine.
const ADDED_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What to wrap anew.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many keys
    #[arg(long, default_value = "100000")]
    keys: usize,
    /// Leases a second, meanwhile
    #[arg(long, default_value = "1000")]
    rate: u64,
    /// Data keys a second, at most: one after the other
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,20000")]
    paces: Vec<i32>,
}

/// Measures each pace on the same vault, each to a master key of its own.
pub(crate) async fn rewrap(arguments: Arguments, extent: Extent) -> anyhow::Result<()> {
    let vault = Vault::start().await?;
    vault.fill(POOL, arguments.keys).await?;
    vault.settle().await?;
    let lease = Side::lease("LeaseKey", &vault, POOL)?;
    lease.hold(arguments.rate, extent.held_seconds()).await?;
    let mut figures = Figures::default();
    for pace in &arguments.paces {
        let name = format!("{} keys at {pace} a second", arguments.keys);
        let figure = at_pace(&vault, &lease, &arguments, *pace, extent);
        figures.measure(&name, figure).await;
    }
    vault.end().await?;
    figures.tell()
}

async fn at_pace(
    vault: &Vault,
    lease: &Side<'_>,
    arguments: &Arguments,
    pace: i32,
    extent: Extent,
) -> anyhow::Result<Value> {
    promote_another(vault).await?;
    let rounds = extent.rounds();
    let mut idle = held(lease, arguments.rate, extent, rounds).await?;
    let request = proto::RewrapKeysRequest {
        rate_max: pace,
        ..Default::default()
    };
    let began = Instant::now();
    vault.admin().rewrap_keys(vault.ask(request)?).await?;
    let mut busy = Vec::new();
    // Whoever is held up is so while it runs: what is measured after its end does not count.
    loop {
        let p99 = lease.hold(arguments.rate, extent.held_seconds()).await?;
        let is_over = status(vault)
            .await?
            .rewrap
            .is_some_and(|rewrap| rewrap.end_time.is_some());
        if is_over && !busy.is_empty() {
            break;
        }
        busy.extend(p99);
        if is_over {
            break;
        }
    }
    let rewrap = ended(vault).await?;
    ensure!(
        rewrap.state() == proto::RewrapState::Done,
        "it ended as {:?}",
        rewrap.state()
    );
    let took = took(&rewrap).unwrap_or_else(|| began.elapsed());
    idle.extend(held(lease, arguments.rate, extent, rounds).await?);
    let millis =
        |times: Vec<Duration>| median(times.iter().map(|time| time.as_secs_f64() * 1e3).collect());
    let (idle, busy) = (millis(idle), millis(busy));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_second = rewrap.rewrapped as f64 / took.as_secs_f64();
    say(&format!(
        "{} data keys in {took:?}, {per_second:.0} a second; p99 of leases {busy:.2} ms meanwhile, {idle:.2} ms without",
        rewrap.rewrapped
    ));
    Ok(json!({
        "rewrapped": rewrap.rewrapped, "seconds": rounded(took.as_secs_f64()), "per_second": rounded(per_second),
        "p99_ms": rounded(busy), "p99_ms_without": rounded(idle), "leases_per_second": arguments.rate,
    }))
}

/// The p99 of some measurements; those that the machine did not keep up with do not count.
async fn held(
    lease: &Side<'_>,
    rate: u64,
    extent: Extent,
    rounds: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..rounds.min(2) {
        times.extend(lease.hold(rate, extent.held_seconds()).await?);
    }
    Ok(times)
}

/// Adds a master key, waits until it is held, and promotes it.
async fn promote_another(vault: &Vault) -> anyhow::Result<()> {
    let fingerprint = vault.add_master_key()?;
    let began = Instant::now();
    loop {
        let keys = status(vault).await?.master_keys;
        if keys
            .iter()
            .any(|key| key.fingerprint == fingerprint && key.holding > 0)
        {
            break;
        }
        ensure!(
            began.elapsed() < ADDED_WITHIN,
            "the new master key is not held"
        );
        sleep(LOOK_EVERY).await;
    }
    let request = proto::PromoteMasterKeyRequest {
        fingerprint,
        ..Default::default()
    };
    vault
        .admin()
        .promote_master_key(vault.ask(request)?)
        .await?;
    Ok(())
}

async fn status(vault: &Vault) -> anyhow::Result<proto::GetMasterKeyStatusResponse> {
    let request = vault.ask(proto::GetMasterKeyStatusRequest {})?;
    Ok(vault
        .admin()
        .get_master_key_status(request)
        .await?
        .into_inner())
}

async fn ended(vault: &Vault) -> anyhow::Result<proto::RewrapStatus> {
    loop {
        let rewrap = status(vault).await?.rewrap.context("there is no rewrap")?;
        if rewrap.end_time.is_some() {
            return Ok(rewrap);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// By the database's clock.
fn took(rewrap: &proto::RewrapStatus) -> Option<Duration> {
    let seconds = |time: &prost_types::Timestamp| {
        let nanos = f64::from(time.nanos);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let seconds = time.seconds as f64;
        seconds + nanos / 1e9
    };
    let (began, ended) = (rewrap.create_time.as_ref()?, rewrap.end_time.as_ref()?);
    Duration::try_from_secs_f64(seconds(ended) - seconds(began)).ok()
}
