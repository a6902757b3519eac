//! From configuration to an open vault: the database is reached, its schema is right, and the master key opens it.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail};
use sqlx::{ConnectOptions, PgPool, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    config::{DatabaseUrl, MasterKeySources},
    migrate,
};
use crate::{
    crypto::{BootId, KeyRing},
    domain::classify,
    outbound::Outbound,
    store::connection::{self, CHANGE_WITHIN, CONNECTION_WITHIN, in_time},
    vault::{Vault, VaultKeys, ring_of_known_passphrase, ring_of_passphrase},
};

/// For the try that only asks why.
const CAUSE_WITHIN: Duration = Duration::from_secs(1);

/// Connects, and checks that the schema is what this build needs.
///
/// # Errors
/// The database does not answer, or has to be migrated. No message holds the URL's password.
pub async fn database(database: &DatabaseUrl, connections_max: u32) -> anyhow::Result<PgPool> {
    let options = database.connect_options();
    let connecting = connection::options(connections_max).connect_with(options.clone());
    let pool = match connecting.await {
        Ok(pool) => pool,
        Err(error) => {
            let cause = cause(&options, error).await;
            bail!("can't reach {database} of {}: {cause}", database.named_by())
        }
    };
    let mut connection = connection::acquire(&pool).await?;
    migrate::check(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

/// Why no connection was made. The pool tries until its time is up and then tells nothing but that: one more try tells.
async fn cause(options: &PgConnectOptions, error: sqlx::Error) -> String {
    let error = if matches!(error, sqlx::Error::PoolTimedOut) {
        match timeout(CAUSE_WITHIN, options.connect()).await {
            Ok(Err(cause)) => cause,
            Ok(Ok(_)) | Err(_) => return format!("no answer within {CONNECTION_WITHIN:?}"),
        }
    } else {
        error
    };
    // The error around these repeats their text.
    let refusal = error.as_database_error().map(|e| e.message().to_owned());
    if let Some(refusal) = refusal {
        return refusal;
    }
    if let sqlx::Error::Io(cause) = &error {
        return cause.to_string();
    }
    error.to_string()
}

/// Opens the vault; the first start makes its cluster key. It serves nothing until it is refreshed. The rules of failures are checked
/// first: a replica without them would blame at random. The sources come back with the keys of their passphrases, to be read again.
///
/// # Errors
/// The master key is another one than the data was sealed with: its fingerprint is named.
pub async fn vault(
    pool: PgPool,
    mut sources: MasterKeySources,
    snapshot_age_max: Duration,
    outbound: Outbound,
) -> anyhow::Result<(Arc<Vault>, MasterKeySources)> {
    classify::built_in().map_err(Clone::clone)?;
    let ring = ring(&pool, &mut sources).await?;
    let keys = in_time(CHANGE_WITHIN, VaultKeys::open(&pool, ring)).await?;
    let boot = BootId::generate()?;
    let vault = Vault::new(pool, Arc::new(keys), boot, snapshot_age_max);
    Ok((Arc::new(vault.sending_by(outbound)), sources))
}

/// All master keys that were given, those of passphrases last.
///
/// # Errors
/// A source cannot be read, or a passphrase is not one of this database.
pub async fn ring(pool: &PgPool, sources: &mut MasterKeySources) -> anyhow::Result<KeyRing> {
    for passphrase in sources.take_passphrases() {
        let given = sources.read(&mut Vec::new()).map_err(|e| anyhow!(e))?;
        let derived = ring_of_passphrase(pool, passphrase, given.as_ref());
        sources.add(in_time(CHANGE_WITHIN, derived).await?)?;
    }
    let ring = sources.read(&mut Vec::new()).map_err(|e| anyhow!(e))?;
    ring.context("no master key was given")
}

/// The same for whoever only looks: nothing is stored. Passphrases that are not of this database are no error here: what they would open
/// is found missing.
///
/// # Errors
/// No master key is left.
pub async fn known_ring(pool: &PgPool, sources: &mut MasterKeySources) -> anyhow::Result<KeyRing> {
    for passphrase in sources.take_passphrases() {
        if let Some(ring) = ring_of_known_passphrase(pool, passphrase).await? {
            sources.add(ring)?;
        }
    }
    let ring = sources.read(&mut Vec::new()).map_err(|e| anyhow!(e))?;
    ring.context("the passphrase is not one of this database, and no other master key was given")
}
