//! The tokens of `dev`: one for its admin, one for a caller that may lease from every pool.

use super::home::Home;
use crate::{
    app::{
        bootstrap::{ADMIN, Found, SNAPSHOT_AGE_MAX, ensure_caller, token},
        config::{DatabaseUrl, MasterKeySource},
        opening,
    },
    crypto::KeyRing,
    domain::{caller::Grant, models::Pattern},
    vault::Error,
};

/// The caller that leases.
const LESSEE: &str = "demo";
/// One verb at a time.
const CONNECTIONS_MAX: u32 = 2;

/// Makes the callers that are not there, and tokens of those that are new or whose file is gone.
pub(super) async fn ensure(
    home: &Home,
    database: &DatabaseUrl,
    ring: KeyRing,
) -> anyhow::Result<()> {
    let pool = opening::database(database, CONNECTIONS_MAX).await?;
    let source = MasterKeySource::Ring(ring);
    let vault = opening::vault(pool.clone(), source, SNAPSHOT_AGE_MAX).await?;
    let every_pool = Grant::Lessee(Pattern::parse("pool_pattern", "*").map_err(Error::from)?);
    for (id, grant, file) in [
        (ADMIN, Grant::Admin, "admin.token"),
        (LESSEE, every_pool, "lessee.token"),
    ] {
        let found = ensure_caller(&vault, id, vec![grant]).await?;
        if found == Found::New || !home.has_token(file) {
            home.keep_token(file, &token(&vault, id, "dev").await?)?;
        }
    }
    pool.close().await;
    Ok(())
}
