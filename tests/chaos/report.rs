//! What came of the runs: a table for people, and a line of JSON for each.

use std::fmt::Write as _;
use std::path::PathBuf;

use comfy_table::{Table, presets};
use serde_json::json;

use super::runs::Figures;

/// Shows the table, keeps the lines, and says how to repeat what failed. Answers whether all is well.
pub(crate) fn report(figures: &[Figures]) -> bool {
    println!("{}", table(figures));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos.jsonl");
    std::fs::write(&file, lines(figures)).unwrap();
    println!("the same as JSON: {}", file.display());
    let mut is_well = true;
    for figures in figures {
        if let Some(failure) = &figures.failure {
            let name = figures.run.name;
            println!("{name} failed: {failure}");
            println!("  alone: make chaos RUNS={name}");
            is_well = false;
        }
    }
    is_well
}

fn table(figures: &[Figures]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "run",
        "W",
        "worst window / N",
        "N used",
        "at least",
        "N used if divided",
        "refused",
        "no answer",
        "back after",
        "requests",
        "late",
        "took",
        "machine short",
        "result",
    ]);
    for figures in figures {
        let back = figures
            .back
            .map(|back| format!("{:.1} s", back.as_secs_f64()));
        table.add_row([
            figures.run.name.to_owned(),
            format!("{} s", figures.run.setup.window.as_secs()),
            format!("{:.3}", figures.measure.worst),
            percent(figures.used),
            percent(figures.run.used_min),
            figures.divided.map(percent).unwrap_or_default(),
            figures.refused.to_string(),
            figures.failed.to_string(),
            back.unwrap_or_else(|| "never".to_owned()),
            figures.arrived.to_string(),
            figures.measure.late.to_string(),
            format!("{:.0} s", figures.took.as_secs_f64()),
            figures.short.map(percent).unwrap_or_default(),
            figures.result().to_owned(),
        ]);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn lines(figures: &[Figures]) -> String {
    let mut lines = String::new();
    for figures in figures {
        let line = json!({
            "run": figures.run.name,
            "window_seconds": figures.run.setup.window.as_secs(),
            "limit": figures.run.setup.amount,
            "replicas": figures.run.setup.replicas,
            "latency_seconds": figures.run.setup.latency.as_secs_f64(),
            "worst_window_of_limit": figures.measure.worst,
            "worst_window_of_limit_by_starts": figures.measure.worst_started,
            "share_of_limit_used": figures.used,
            "share_of_limit_used_if_divided": figures.divided,
            "calls_refused": figures.refused,
            "calls_without_answer": figures.failed,
            "back_after_seconds": figures.back.map(|back| back.as_secs_f64()),
            "requests": figures.arrived,
            "arrived_late": figures.measure.late,
            "took_seconds": figures.took.as_secs_f64(),
            "machine_short_share": figures.short,
            "is_control": figures.run.is_control,
            "failure": figures.failure,
        });
        writeln!(lines, "{line}").unwrap();
    }
    lines
}
