//! The tokens of `dev`: one for its admin, one for a caller that may lease from every pool.

use super::{DatabaseUrl, home::Home};

/// Makes the tokens whose files are not there.
#[expect(
    clippy::unused_async,
    reason = "it talks to the database once the vault can make callers"
)]
pub(super) async fn ensure(_home: &Home, _database: &DatabaseUrl) -> anyhow::Result<()> {
    // The vault can't make callers yet.
    Ok(())
}
