//! A large vault beside a small one, in turns: throughput by the number of keys and pools, and memory per key.

use serde_json::{Map, Value, json};

use crate::crowd::Crowd;
use crate::figures::rounded;
use crate::say;
use crate::side::Side;
use crate::vault::Vault;

/// The pool with all keys.
const POOL: &str = "bench";
/// How many keys one pool has.
const KEYS: [usize; 3] = [10, 1_000, 100_000];
/// How many pools are leased from in turn.
const POOLS: usize = 1_000;

/// Measures all of them. Each ratio is of the large vault over the small one.
pub(crate) async fn scale() -> anyhow::Result<()> {
    let small = Vault::start().await?;
    small.fill(POOL, 1).await?;
    let mut figures = Map::new();
    for keys in KEYS {
        by_keys(&small, keys, &mut figures).await?;
    }
    by_pools(&small, false, &mut figures).await?;
    by_pools(&small, true, &mut figures).await?;
    small.end().await?;
    say(&Value::Object(figures).to_string());
    Ok(())
}

async fn by_keys(
    small: &Vault,
    keys: usize,
    figures: &mut Map<String, Value>,
) -> anyhow::Result<()> {
    let large = Vault::start().await?;
    large.fill(POOL, 1).await?;
    large.sample(POOL, 100).await?;
    let before = large.server.resident()?;
    large.fill_more(POOL, 1..keys).await?;
    large.settle().await;
    let name = format!("{keys} keys");
    let side = Side::lease(&name, &large, POOL)?;
    let ratios = side.floods(&Side::lease("1 key", small, POOL)?).await?;
    if keys >= 100_000 {
        let bytes = (large.server.resident()? - before) / u64::try_from(keys)?;
        say(&format!("{name}: {bytes} bytes of memory for each"));
        figures.insert("bytes_per_key".to_owned(), json!(bytes));
    }
    figures.insert(
        name.clone(),
        json!({"rate": rounded(ratios.rate), "cpu": rounded(ratios.cpu)}),
    );
    large.end().await
}

/// Pools over one account, or each over its own with limits of its own.
async fn by_pools(
    small: &Vault,
    apart: bool,
    figures: &mut Map<String, Value>,
) -> anyhow::Result<()> {
    let large = Vault::start().await?;
    let names: Vec<String> = (0..POOLS).map(|number| format!("pool-{number}")).collect();
    if apart {
        large.pools_apart(&names).await?;
    } else {
        large.fill(POOL, 1).await?;
        large.pools_over(POOL, &names).await?;
    }
    large.settle().await;
    let name = format!("{POOLS} pools{}", if apart { " and accounts" } else { "" });
    let crowd = Crowd::new(&name, &large, names)?;
    let ratios = crowd
        .floods(&Crowd::new("1 pool", small, vec![POOL.to_owned()])?)
        .await?;
    figures.insert(
        name,
        json!({"rate": rounded(ratios.rate), "cpu": rounded(ratios.cpu)}),
    );
    large.end().await
}
