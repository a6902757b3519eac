//! `keylease bootstrap`: the first caller and its token.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;

use super::config::BootstrapConfig;
use super::open::open;
use super::private_file;
use crate::crypto::Secret;

/// Makes the caller `admin` and its token.
///
/// # Errors
/// There is an admin, or the vault can't be opened.
pub async fn run(config: BootstrapConfig) -> anyhow::Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let vault = open(
        &config.database,
        2,
        config.master_key,
        Duration::from_mins(5),
    )
    .await?;
    let token = vault.bootstrap(config.recover).await?;
    let line = Secret::new([token.expose(), b"\n"].concat());
    match &config.token_file {
        Some(path) => private_file::create(path, line.expose())
            .with_context(|| format!("can't write {}: run again with --recover", path.display())),
        None => Ok(std::io::stdout().write_all(line.expose())?),
    }
}
