//! LeaseKey beside a server that answers messages of the same size: a bare one, or one that asks Postgres for every lease.

use prost::Message;
use serde_json::json;

use crate::bounds::{BESIDE_BARE, BESIDE_TRANSACTION, Bounds, P99_BESIDE_BARE};
use crate::extent::Extent;
use crate::figures::rounded;
use crate::process::{Server, bench};
use crate::say;
use crate::side::Side;
use crate::vault::Vault;
use crate::world::request;

const POOL: &str = "bench";

/// Beside the bare server: throughput, and p99 at half of the bare server's load.
pub(crate) async fn compare() -> anyhow::Result<()> {
    let (vault, bytes) = vault().await?;
    let other = other(bytes, None).await?;
    let lease = Side::lease("LeaseKey", &vault, POOL)?;
    let bare = Side::bare("bare", &other, &vault, POOL)?;
    let ratios = lease.floods(&bare, Extent::Full).await?;
    let p99 = lease.steadies(&bare, ratios.other_rate / 2.0).await?;
    other.end().await?;
    vault.end().await?;
    say(
        "medians of pairs: calls per second, p99 at half of the bare server's load, time on a core per call",
    );
    let mut bounds = Bounds::default();
    bounds.add("lease_vs_bare", ratios.rate, BESIDE_BARE);
    bounds.add("p99_vs_bare", p99, P99_BESIDE_BARE);
    let figures = json!({
        "lease_vs_bare": rounded(ratios.rate),
        "p99_vs_bare": rounded(p99),
        "cpu_vs_bare": rounded(ratios.cpu),
        "bounds": bounds.told(),
    });
    say(&figures.to_string());
    Ok(())
}

/// Beside servers that make one transaction per lease on the same Postgres: with rolling windows, and as cheaply as can be.
pub(crate) async fn baseline() -> anyhow::Result<()> {
    let (vault, bytes) = vault().await?;
    let lease = Side::lease("LeaseKey", &vault, POOL)?;
    let (mut figures, mut bounds) = (serde_json::Map::new(), Bounds::default());
    for (kind, figure) in [
        ("window", "lease_vs_transaction"),
        ("counter", "lease_vs_cheapest_transaction"),
    ] {
        let other = other(bytes, Some((kind, &vault.postgres.url()))).await?;
        let name = format!("a transaction, {kind}");
        let baseline = Side::bare(&name, &other, &vault, POOL)?;
        let ratios = lease.floods(&baseline, Extent::Full).await?;
        figures.insert(figure.to_owned(), json!(rounded(ratios.rate)));
        bounds.add(figure, ratios.rate, BESIDE_TRANSACTION);
        other.end().await?;
    }
    vault.end().await?;
    figures.insert("bounds".to_owned(), bounds.told());
    say(&serde_json::Value::Object(figures).to_string());
    Ok(())
}

/// One account with a requests and a tokens limit, one key, one pool. Tells how long its answers are.
async fn vault() -> anyhow::Result<(Vault, usize)> {
    let vault = Vault::start().await?;
    vault.fill(POOL, 1).await?;
    let answer = vault.sample(POOL, 1).await?;
    let (asked, answered) = (request(POOL).encoded_len(), answer.encoded_len());
    say(&format!(
        "messages: {asked} bytes asked, {answered} answered; limits in force: requests and tokens per minute"
    ));
    Ok((vault, answered))
}

async fn other(answer_bytes: usize, baseline: Option<(&str, &str)>) -> anyhow::Result<Server> {
    let bytes = answer_bytes.to_string();
    let mut arguments = vec!["serve", "--answer-bytes", &bytes];
    let flags = |(kind, url)| ["--baseline", kind, "--database", url];
    arguments.extend(baseline.into_iter().flat_map(flags));
    Server::start(bench(&arguments)?).await
}
