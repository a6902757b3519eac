//! `keylease bootstrap`: the first caller and its token.

use anyhow::bail;

use super::config::BootstrapConfig;

/// Makes the caller `admin` and its token.
///
/// # Errors
/// There is an admin, or the vault can't be opened.
#[expect(
    clippy::unused_async,
    reason = "it talks to the database once the vault can make callers"
)]
pub async fn run(_config: BootstrapConfig) -> anyhow::Result<()> {
    bail!("this build can't make callers yet")
}
