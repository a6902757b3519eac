//! `keylease audit verify` and `export`: on the database itself, since whoever doubts a vault does not ask it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use sqlx::PgPool;

use super::bootstrap::SNAPSHOT_AGE_MAX;
use super::config::AuditConfig;
use super::{command_line, opening};
use crate::crypto::BootId;
use crate::domain::chain::{Chain, Head, Sighting};
use crate::domain::field::text;
use crate::outbound::Outbound;
use crate::store::connection::{CHANGE_WITHIN, in_time};
use crate::vault::{AuditReport, ChainReport, Pruner, Vault, VaultKeys};

pub mod command;

/// One question at a time.
const CONNECTIONS_MAX: u32 = 2;
/// As of every change.
const REASON_BYTES_MAX: usize = 512;
/// Something was changed, removed or moved. Apart from 1, which says that nobody could find out.
const TAMPERED: u8 = 4;

/// What the help of `verify` ends with.
pub const VERIFY_HELP: &str = "Exit codes: 0 intact, 1 could not be verified, 2 wrong usage, 4 something was changed, removed or moved.\n\
    Example: keylease audit verify --json >heads.json, and later keylease audit verify --noted heads.json";

/// Verifies every chain, and says what is wrong.
///
/// # Errors
/// The database cannot be read, or the vault not opened.
pub async fn verify(
    config: AuditConfig,
    noted: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let noted = noted.map_or_else(|| Ok(Vec::new()), read_noted)?;
    let vault = open(config).await?;
    let report = vault.verify_audit(&noted).await?;
    let text = if json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        told(&report)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if report.intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(TAMPERED)
    })
}

/// Prints every row as one line of JSON.
///
/// # Errors
/// The database cannot be read, or the vault not opened.
pub async fn export(config: AuditConfig) -> anyhow::Result<()> {
    let vault = open(config).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    vault
        .export_audit(|row: Value| {
            written = writeln!(out, "{row}");
            written.is_ok()
        })
        .await?;
    written
        .and_then(|()| out.flush())
        .context("the export could not be written")
}

/// Removes rows that are older than this, and says how many.
///
/// # Errors
/// The database cannot be reached, or the vault not opened.
pub async fn prune(
    config: AuditConfig,
    chain: &str,
    age: Duration,
    reason: &str,
) -> anyhow::Result<()> {
    let chain = Chain::from_stored(chain).context("choose changes or leases")?;
    let reason = text("--reason", reason.to_owned(), REASON_BYTES_MAX);
    let by = Pruner {
        source: command_line::source(),
        reason: reason.map_err(|error| anyhow!("{}: {}", error.field, error.message))?,
    };
    let pool = connect(&config).await?;
    let outbound = Outbound::default();
    let opened = opening::vault(pool, config.master_key, SNAPSHOT_AGE_MAX, outbound).await?;
    let rows = opened.0.prune_audit(chain, age, &by).await?;
    writeln!(io::stdout(), "removed {rows} rows")?;
    Ok(())
}

async fn connect(config: &AuditConfig) -> anyhow::Result<PgPool> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    opening::database(&config.database, CONNECTIONS_MAX).await
}

/// To look only: whoever verifies begins nothing anew that was removed.
async fn open(mut config: AuditConfig) -> anyhow::Result<Vault> {
    let pool = connect(&config).await?;
    let ring = opening::known_ring(&pool, &mut config.master_key).await?;
    let keys = in_time(CHANGE_WITHIN, VaultKeys::look(&pool, ring)).await?;
    Ok(Vault::new(
        pool,
        Arc::new(keys),
        BootId::generate()?,
        SNAPSHOT_AGE_MAX,
    ))
}

/// Heads that an earlier verification printed, kept where whoever writes to the database does not reach.
fn read_noted(path: &Path) -> anyhow::Result<Vec<(Chain, Sighting)>> {
    let named = || {
        format!(
            "{} is not what `keylease audit verify --json` printed",
            path.display()
        )
    };
    let text =
        std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let mut report: Value = serde_json::from_str(&text).with_context(named)?;
    let chains: Vec<ChainReport> =
        serde_json::from_value(report["chains"].take()).with_context(named)?;
    let sightings = chains
        .iter()
        .filter(|chain| chain.head > chain.anchor)
        .map(sighting);
    let Some(sightings) = sightings.collect() else {
        bail!(named())
    };
    Ok(sightings)
}

fn sighting(chain: &ChainReport) -> Option<(Chain, Sighting)> {
    let mut hash = [0; 32];
    let digits = chain.head_hash.as_bytes();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    let head = Head {
        sequence: chain.head,
        hash,
    };
    let writer = chain.writer;
    Some((Chain::from_stored(&chain.chain)?, Sighting { writer, head }))
}

fn told(report: &AuditReport) -> String {
    let rows: u64 = report.chains.iter().map(|chain| chain.rows).sum();
    let mut text = String::new();
    for finding in &report.findings {
        let writer = finding
            .writer
            .map_or_else(|| "no writer".to_owned(), |writer| writer.to_string());
        text += &format!("{} of {writer}: {}\n", finding.chain, finding.message);
    }
    let more = report.findings_total - report.findings.len();
    if more > 0 {
        text += &format!("and {more} more\n");
    }
    if let Some(adopted) = &report.adopted {
        text += &format!(
            "{} records are older than the chains and were put into that of {} as they were found at {}: nothing vouches for what they were before\n",
            adopted.rows, adopted.writer, adopted.time
        );
    }
    let verdict = if report.intact {
        "intact"
    } else {
        "NOT INTACT"
    };
    text + &format!("{verdict}: {rows} rows in {} chains\n", report.chains.len())
}
