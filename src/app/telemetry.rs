//! Logs: one line per event, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

use super::config::{LogConfig, LogFormat};

/// Starts logging; for the binary, once.
///
/// # Errors
/// Logging has been started already.
pub fn start(config: LogConfig) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(config.filter)
        .try_init()?;
    Ok(())
}
