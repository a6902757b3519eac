//! The tokens of `dev`: one for its admin, one for a caller that may lease from every pool.

use anyhow::Context;

use super::home::Home;
use crate::outbound::Outbound;
use crate::{
    app::{
        bootstrap::{ADMIN, Found, SNAPSHOT_AGE_MAX, ensure_caller, token},
        config::{DatabaseUrl, MasterKeySources},
        opening,
    },
    crypto::{KeyRing, PresentedToken},
    domain::{caller::Grant, models::Pattern},
    vault::{Error, Vault},
};

/// The caller that leases.
const LESSEE: &str = "demo";
/// One verb at a time.
const CONNECTIONS_MAX: u32 = 2;

/// Makes the callers that are not there, and tokens of those that are new, or whose file is gone or of another vault.
pub(super) async fn ensure(
    home: &Home,
    database: &DatabaseUrl,
    ring: KeyRing,
) -> anyhow::Result<()> {
    let pool = opening::database(database, CONNECTIONS_MAX).await?;
    let source = MasterKeySources::of_ring(ring);
    let opening = opening::vault(pool.clone(), source, SNAPSHOT_AGE_MAX, Outbound::default());
    let (vault, _) = opening.await?;
    let refreshed = vault.refresh(0).await;
    refreshed.context("the tokens of the database cannot be read")?;
    let every_pool = Grant::Lessee(Pattern::parse("pool_pattern", "*").map_err(Error::from)?);
    for (id, grant, file) in [
        (ADMIN, Grant::Admin, "admin.token"),
        (LESSEE, every_pool, "lessee.token"),
    ] {
        let found = ensure_caller(&vault, id, vec![grant]).await?;
        // A new caller has no token, whatever the file says.
        let is_there = home.has_token(file, |token| is_known(&vault, token));
        if found == Found::New || !is_there {
            home.keep_token(file, &token(&vault, id, "dev").await?)?;
        }
    }
    pool.close().await;
    Ok(())
}

/// Whether the vault has made it. A token that was revoked is known, too: whoever did that had a reason.
fn is_known(vault: &Vault, presented: &PresentedToken<'_>) -> bool {
    let snapshot = vault.live().glance();
    let token = snapshot.tokens.get(presented.id);
    token.is_some_and(|token| vault.keys().pepper.verify(presented, &token.hash))
}
