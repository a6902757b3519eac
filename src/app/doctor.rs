//! `keylease doctor`: what is wrong with the data at rest, by whoever has the database and the master keys. It needs no server.

use std::{fs, io::Write, process::ExitCode};

use anyhow::Context;

use super::{config::DoctorConfig, opening, private_file};
use crate::cli::printable_lines;
use crate::vault::doctor::{Report, examine};

/// What every command's help ends with, and here says more.
pub const HELP: &str = "Exit codes: 0 nothing is wrong as far as could be seen, 1 it could not look, 2 wrong usage, 4 something is wrong.\n\
It changes nothing, but for the file of --mark. What it cannot see: an older row that was put back whole where the audit does not say what its \
last change left; a whole dump that was restored while no replica ran, where --mark has no file yet; and edits of what no MAC covers (SECURITY.md).";
/// Something is wrong.
const FOUND: u8 = 4;
/// One look at a time.
const CONNECTIONS_MAX: u32 = 2;

/// Looks, and says what it found.
///
/// # Errors
/// The database cannot be read, or a file cannot.
pub async fn run(mut config: DoctorConfig) -> anyhow::Result<ExitCode> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let pool = opening::database(&config.database, CONNECTIONS_MAX).await?;
    let ring = opening::known_ring(&pool, &mut config.master_key).await?;
    let mark = config.mark.as_ref().filter(|path| path.exists());
    let mark = mark.map(|path| {
        fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
    });
    let mark = mark.transpose()?;
    let report = examine(&pool, &ring, mark.as_deref()).await?;
    pool.close().await;
    if let (Some(path), Some(mark)) = (&config.mark, &report.mark) {
        private_file::replace(path, mark.as_bytes())
            .with_context(|| format!("can't write {}", path.display()))?;
    }
    let text = if config.json {
        serde_json::to_string_pretty(&report)?
    } else {
        text(&report)
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(if report.well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND)
    })
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "looked at {} secrets and {} rows under a MAC, at revision {}; of {} rows the last change is on record",
        report.secrets, report.rows, report.rev, report.recorded
    )];
    for finding in &report.findings {
        let kind = serde_json::to_value(finding.kind).unwrap_or_default();
        lines.push(format!(
            "{}: {}: {}",
            kind.as_str().unwrap_or_default(),
            finding.resource,
            finding.detail
        ));
    }
    let named = report.findings.len() as u64;
    let all: u64 = report.counts.values().sum();
    if all > named {
        lines.push(format!("and {} more", all - named));
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(
        report
            .unchecked
            .iter()
            .map(|what| format!("not checked: {what}")),
    );
    if report.well {
        lines.push("nothing is wrong, as far as could be seen".to_owned());
    }
    // What a row says may come from whoever wrote it.
    printable_lines(&lines.join("\n"))
}
