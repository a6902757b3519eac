//! A large vault beside a small one, in turns: throughput by the number of keys and pools, and memory per key.

use anyhow::Context;
use serde_json::{Value, json};

use crate::bounds::{BYTES_PER_KEY, Bounds, SCALED};
use crate::crowd::Crowd;
use crate::extent::Extent;
use crate::figures::{Figures, rounded};
use crate::say;
use crate::side::{Ratios, Side};
use crate::vault::Vault;

/// The pool with all keys.
const POOL: &str = "bench";
/// Leases that a process has given when its memory is looked at: what it makes for the first ones is no key's.
const SAMPLES: u64 = 100;
/// Fewer keys are lost in what else a process needs: what is left of reading the first of them is some megabytes, however many come after.
const WEIGHED_MIN: usize = 10_000;

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many keys one pool has, beside one: one beside one shows what two vaults of the same size are apart by
    #[arg(long, value_delimiter = ',', default_value = "1,10,1000,100000")]
    keys: Vec<usize>,
    /// How many pools are leased from in turn, beside one
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    pools: Vec<usize>,
}

/// Measures all of them. Each ratio is of the large vault over the small one.
pub(crate) async fn scale(arguments: Arguments, extent: Extent) -> anyhow::Result<()> {
    let small = Vault::start().await?;
    small.fill(POOL, 1).await?;
    let mut figures = Figures::default();
    for keys in arguments.keys {
        let name = format!("{keys} keys");
        let figure = by_keys(&small, keys, extent);
        figures.measure(&name, figure).await;
    }
    for pools in arguments.pools {
        for (apart, of) in [(false, "pools"), (true, "pools and accounts")] {
            let name = format!("{pools} {of}");
            let figure = by_pools(&small, (pools, apart), &name, extent);
            figures.measure(&name, figure).await;
        }
    }
    small.end().await?;
    figures.tell()
}

async fn by_keys(small: &Vault, keys: usize, extent: Extent) -> anyhow::Result<Value> {
    let large = Vault::start().await?;
    large.fill(POOL, keys).await?;
    large.settle().await?;
    let name = format!("{keys} keys");
    let side = Side::lease(&name, &large, POOL)?;
    let one = Side::lease("1 key", small, POOL)?;
    let ratios = side.floods(&one, extent).await?;
    let (with_all, with_one) = (resident(&large).await?, resident(small).await?);
    large.end().await?;
    // Of few keys it may even be negative.
    let more = i64::try_from(keys.saturating_sub(1).max(1))?;
    let each = (i64::try_from(with_all)? - i64::try_from(with_one)?) / more;
    say(&format!(
        "{name}: {with_all} bytes of memory, {with_one} with one key, {each} for each more"
    ));
    let mut bounds = bounds(&name, &ratios);
    if keys >= WEIGHED_MIN {
        let figure = f64::from(i32::try_from(each)?);
        bounds.add(&format!("{name}: bytes_per_key"), figure, BYTES_PER_KEY);
    }
    let mut figure = figure(&ratios, bounds);
    figure["memory"] = json!({"with_all": with_all, "with_1_key": with_one, "bytes_per_key": each});
    Ok(figure)
}

/// Memory of a process that has just begun to serve what a vault holds. One that was leased from for long holds traces of its leases,
/// and one that the keys were imported by holds traces of that.
async fn resident(vault: &Vault) -> anyhow::Result<u64> {
    let server = vault.another().await?;
    vault.sample_from(server.address, POOL, SAMPLES).await?;
    vault.settle().await?;
    let resident = server.resident()?;
    server.end().await.context("a second replica did not end")?;
    Ok(resident)
}

/// Pools over one account, or each over its own with limits of its own.
async fn by_pools(
    small: &Vault,
    (pools, apart): (usize, bool),
    name: &str,
    extent: Extent,
) -> anyhow::Result<Value> {
    let large = Vault::start().await?;
    let names: Vec<String> = (0..pools).map(|number| format!("pool-{number}")).collect();
    if apart {
        large.pools_apart(&names).await?;
    } else {
        large.fill(POOL, 1).await?;
        large.pools_over(POOL, &names).await?;
    }
    large.settle().await?;
    let crowd = Crowd::new(name, &large, names)?;
    let one = Crowd::new("1 pool", small, vec![POOL.to_owned()])?;
    let ratios = crowd.floods(&one, extent).await?;
    large.end().await?;
    Ok(figure(&ratios, bounds(name, &ratios)))
}

fn bounds(name: &str, ratios: &Ratios) -> Bounds {
    let mut bounds = Bounds::default();
    bounds.add(&format!("{name}: rate"), ratios.rate, SCALED);
    bounds
}

fn figure(ratios: &Ratios, bounds: Bounds) -> Value {
    json!({
        "rate": rounded(ratios.rate),
        "cpu": rounded(ratios.cpu),
        "rate_of_the_smallest": rounded(ratios.other_rate),
        "bounds": bounds.told(),
    })
}
