//! The example `.env`: read for the stand-in, which must accept its keys, and written out with the address filled in.

use std::path::Path;

use anyhow::Context;

/// The file as it lies in the repository.
const EXAMPLE: &str = include_str!("example.env");

/// Keys of the example, the primary first.
pub(crate) fn keys() -> Vec<String> {
    lines()
        .filter(|(name, _)| name.contains("_API_KEY"))
        .map(|(_, value)| value.to_owned())
        .collect()
}

/// The limit that the example states.
pub(crate) fn requests_per_minute() -> anyhow::Result<u64> {
    let (_, value) = lines()
        .find(|(name, _)| *name == "RATE_LIMIT_PER_MINUTE")
        .context("example.env states no RATE_LIMIT_PER_MINUTE")?;
    value
        .parse()
        .context("RATE_LIMIT_PER_MINUTE of example.env is not a number")
}

/// Writes the file for an import, with the port of the stand-in.
pub(crate) fn write(path: &Path, port: u16) -> anyhow::Result<()> {
    let text = EXAMPLE.replace(":PORT/", &format!(":{port}/"));
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
}
