//! From a configuration to a vault that knows everything: connect, check the schema, find the master key, read the configuration.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::PgPoolOptions;

use super::config::{DatabaseUrl, MasterKeySource};
use super::migrate;
use crate::crypto::BootId;
use crate::vault::{Vault, VaultKeys, ring_of_passphrase};

/// How long a connection is waited for, at start and later.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Opens the vault.
///
/// # Errors
/// The database cannot be reached or is not migrated, or a master key is missing: by its fingerprint.
pub async fn open(
    database: &DatabaseUrl,
    connections_max: u32,
    master_key: MasterKeySource,
    snapshot_age_max: Duration,
) -> anyhow::Result<Arc<Vault>> {
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(CONNECT_MAX)
        .connect_with(database.connect_options())
        .await
        .context("the database that KEYLEASE_DATABASE_URL names cannot be reached")?;
    let mut connection = pool.acquire().await?;
    migrate::check(&mut connection).await?;
    drop(connection);
    let ring = match master_key {
        MasterKeySource::Ring(ring) => ring,
        MasterKeySource::Passphrase(passphrase) => ring_of_passphrase(&pool, passphrase).await?,
    };
    let keys = VaultKeys::open(&pool, ring).await?;
    let boot = BootId::generate()?;
    let vault = Arc::new(Vault::new(pool, Arc::new(keys), boot, snapshot_age_max));
    vault
        .refresh(0)
        .await
        .context("the configuration cannot be read")?;
    Ok(vault)
}
