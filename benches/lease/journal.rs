//! What recording each lease costs, beside counting them: throughput, and p99 at a rate that both hold.

use keylease::proto;
use serde_json::json;

use crate::extent::Extent;
use crate::figures::rounded;
use crate::say;
use crate::side::Side;
use crate::vault::Vault;

/// Leases are counted.
const COUNTED: &str = "bench";
/// Pools over the same account that record each lease.
const RECORDED: [(&str, proto::JournalMode); 2] = [
    ("full", proto::JournalMode::Full),
    ("strict", proto::JournalMode::Strict),
];
/// Of what the recording side reaches, the rate at which p99 is compared.
const SHARE: f64 = 0.5;

/// Measures full and strict beside rollup, of one replica.
pub(crate) async fn journal(extent: Extent) -> anyhow::Result<()> {
    let vault = Vault::start().await?;
    vault.fill(COUNTED, 1).await?;
    let names = RECORDED.map(|(name, _)| name.to_owned());
    vault.pools_over(COUNTED, &names).await?;
    for (name, mode) in RECORDED {
        set(&vault, name, mode).await?;
    }
    vault.settle().await?;
    let counted = Side::lease("rollup", &vault, COUNTED)?;
    let mut figures = serde_json::Map::new();
    for (name, _) in RECORDED {
        let recorded = Side::lease(name, &vault, name)?;
        let ratios = recorded.floods(&counted, extent).await?;
        let reached = ratios.rate * ratios.other_rate;
        let held = extent.held_seconds();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of calls"
        )]
        let rate = (reached * SHARE) as u64;
        let (mine, its) = (
            recorded.hold(rate, held).await?,
            counted.hold(rate, held).await?,
        );
        let micros = |p99: Option<std::time::Duration>| p99.map(|p99| p99.as_micros());
        say(&format!(
            "{name} at {rate} leases/s: p99 {mine:?}, rollup {its:?}"
        ));
        figures.insert(
            name.to_owned(),
            json!({
                "rate_vs_rollup": rounded(ratios.rate),
                "rollup_rate": rounded(ratios.other_rate),
                "rate": rounded(reached),
                "cpu_vs_rollup": rounded(ratios.cpu),
                "p99_at": rate,
                "p99_micros": micros(mine),
                "rollup_p99_micros": micros(its),
            }),
        );
    }
    vault.end().await?;
    say(&serde_json::Value::Object(figures).to_string());
    Ok(())
}

async fn set(vault: &Vault, pool: &str, mode: proto::JournalMode) -> anyhow::Result<()> {
    let update = proto::UpdatePoolRequest {
        pool: Some(proto::Pool {
            name: format!("pools/{pool}"),
            journal: mode.into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["journal".to_owned()],
        }),
        ..Default::default()
    };
    vault.admin().update_pool(vault.ask(update)?).await?;
    Ok(())
}
