//! From configuration to an open vault: the database is reached, its schema is right, and the master key opens it.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use sqlx::{PgPool, postgres::PgPoolOptions};

use super::{
    config::{DatabaseUrl, MasterKeySource},
    migrate,
};
use crate::{
    crypto::BootId,
    domain::classify,
    vault::{Vault, VaultKeys, ring_of_passphrase},
};

/// Longer than a failover of a small cluster hides a connection; shorter than an RPC's usual deadline.
const CONNECTION_WITHIN: Duration = Duration::from_secs(5);

/// Connects, and checks that the schema is what this build needs.
///
/// # Errors
/// The database does not answer, or has to be migrated. No message holds the URL's password.
pub async fn database(database: &DatabaseUrl, connections_max: u32) -> anyhow::Result<PgPool> {
    let unreachable = || format!("can't reach {database} of KEYLEASE_DATABASE_URL");
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(CONNECTION_WITHIN)
        .connect_with(database.connect_options())
        .await
        .with_context(unreachable)?;
    let mut connection = pool.acquire().await.with_context(unreachable)?;
    migrate::check(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

/// Opens the vault; the first start makes its cluster key. It serves nothing until it is refreshed. The rules of failures are checked
/// first: a replica without them would blame at random.
///
/// # Errors
/// The master key is another one than the data was sealed with: its fingerprint is named.
pub async fn vault(
    pool: PgPool,
    source: MasterKeySource,
    snapshot_age_max: Duration,
) -> anyhow::Result<Arc<Vault>> {
    classify::built_in().map_err(Clone::clone)?;
    let ring = match source {
        MasterKeySource::Ring(ring) => ring,
        MasterKeySource::Passphrase(passphrase) => ring_of_passphrase(&pool, passphrase).await?,
    };
    let keys = Arc::new(VaultKeys::open(&pool, ring).await?);
    let boot = BootId::generate()?;
    Ok(Arc::new(Vault::new(pool, keys, boot, snapshot_age_max)))
}
