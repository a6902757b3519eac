//! A master key from a passphrase: what derives it is stored, and made once.

use sqlx::PgPool;

use super::open::{OpenError, parse, refuse_if_used};
use crate::crypto::{
    Fingerprint, KeyRing, KeyRingError, MasterKey, MasterKeyError, PassphraseParameters, Secret,
};
use crate::store::connection::begin;
use crate::store::master_keys::{self, PassphraseRow};
use crate::store::{self, cluster};

/// The most passphrases that a start tries: each costs a good part of a second.
const ROWS_MAX: i64 = 4;

/// Why a passphrase does not give the master key.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Another passphrase was used when this database was set up.
    #[error("the passphrase is not the one of this database, which has master key {}", .known.join(" or "))]
    Wrong {
        /// The fingerprints of the keys that come from passphrases.
        known: Vec<String>,
    },
    /// This database was set up without a passphrase.
    #[error(
        "this data was sealed with master key {wanted}, and no passphrase was ever given for it, so that this one is wrong or meant for another \
         database: provide that key with KEYLEASE_MASTER_KEY_FILE in place of the passphrase"
    )]
    None {
        /// The fingerprint that the data names.
        wanted: Fingerprint,
    },
    /// The passphrase or its stored parameters are refused.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The ring cannot be made.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    /// As when the vault is opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Deriving the key was abandoned.
    #[error("deriving the master key was abandoned")]
    Abandoned(#[source] tokio::task::JoinError),
}

/// The ring of the passphrase's key. A database that has no cluster key yet takes this passphrase as its own.
///
/// # Errors
/// See [`PassphraseError`].
pub async fn ring_of_passphrase(
    pool: &PgPool,
    passphrase: Secret,
) -> Result<KeyRing, PassphraseError> {
    let mut transaction = begin(pool, super::change::BEGIN).await?;
    // Holds the cluster's row, so that of two first starts one waits and finds what the other stored.
    let wrapped = cluster::wrapped_key(&mut transaction)
        .await
        .map_err(OpenError::from)?;
    let rows = master_keys::passphrases(&mut transaction, ROWS_MAX)
        .await
        .map_err(OpenError::from)?;
    if !rows.is_empty() {
        drop(transaction);
        return known(rows, passphrase).await;
    }
    if let Some((_, fingerprint)) = wrapped {
        let wanted = parse(&fingerprint)?;
        return Err(PassphraseError::None { wanted });
    }
    refuse_if_used(&mut transaction).await?;
    let parameters = PassphraseParameters::generate().map_err(MasterKeyError::from)?;
    let (key, _) = derive(passphrase, parameters.clone()).await?;
    let row = row_of(&key, parameters);
    master_keys::register_passphrase(&mut transaction, &row)
        .await
        .map_err(OpenError::from)?;
    transaction.commit().await?;
    Ok(KeyRing::new(key, Vec::new())?)
}

/// The key of the passphrase, if it is one of those that are stored.
async fn known(
    rows: Vec<PassphraseRow>,
    mut passphrase: Secret,
) -> Result<KeyRing, PassphraseError> {
    let known = rows.iter().map(|row| row.fingerprint.clone()).collect();
    for row in rows {
        let fingerprint = row.fingerprint.clone();
        let (key, returned) = derive(passphrase, parameters_of(row)).await?;
        passphrase = returned;
        if key.fingerprint().to_string() == fingerprint {
            return Ok(KeyRing::new(key, Vec::new())?);
        }
    }
    Err(PassphraseError::Wrong { known })
}

/// Off the async threads, since it takes a good part of a second. Gives the passphrase back.
async fn derive(
    passphrase: Secret,
    parameters: PassphraseParameters,
) -> Result<(MasterKey, Secret), PassphraseError> {
    let derived = tokio::task::spawn_blocking(move || {
        MasterKey::from_passphrase(&passphrase, &parameters).map(|key| (key, passphrase))
    });
    Ok(derived.await.map_err(PassphraseError::Abandoned)??)
}

fn row_of(key: &MasterKey, parameters: PassphraseParameters) -> PassphraseRow {
    // Bounded by crypto far below 2^31.
    let number = |value| i32::try_from(value).unwrap_or(i32::MAX);
    PassphraseRow {
        fingerprint: key.fingerprint().to_string(),
        salt: parameters.salt,
        memory_kib: number(parameters.memory_kib),
        iterations: number(parameters.iterations),
        parallelism: number(parameters.parallelism),
    }
}

fn parameters_of(row: PassphraseRow) -> PassphraseParameters {
    // A negative number becomes zero, which crypto refuses.
    let number = |value| u32::try_from(value).unwrap_or(0);
    PassphraseParameters {
        salt: row.salt,
        memory_kib: number(row.memory_kib),
        iterations: number(row.iterations),
        parallelism: number(row.parallelism),
    }
}

impl From<store::Error> for PassphraseError {
    fn from(error: store::Error) -> Self {
        OpenError::from(error).into()
    }
}
