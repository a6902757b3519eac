//! A master key from a passphrase: what derives it is stored, and made once.

use sqlx::{PgConnection, PgPool};

use crate::crypto::{
    Fingerprint, KeyRing, KeyRingError, MasterKey, MasterKeyError, PassphraseParameters, Secret,
};
use crate::store::connection::{Transaction, acquire, begin};
use crate::store::master_keys::{self, PassphraseRow};
use crate::store::{self, cluster};
use crate::vault::open::{OpenError, parse, refuse_if_used};

mod replacing;

use replacing::with_replacement;

/// The most passphrases that a start tries: each costs a good part of a second.
const ROWS_MAX: i64 = 4;

/// Why a passphrase does not give the master key.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Another passphrase was used when this database was set up.
    #[error(
        "the passphrase is not the one of this database, which has master key {}: give that passphrase too where this one is to be added, or \
         retire what is not needed by `keylease master-key retire`", .known.join(" or ")
    )]
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
    /// A database keeps parameters of a few.
    #[error(
        "this database has {max} passphrases already and this is none of them: it is wrong, or retire one by `keylease master-key retire`"
    )]
    TooMany {
        /// The bound.
        max: i64,
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

/// The master keys of a passphrase: what it gives under each set of parameters that is stored for it. A database that has no cluster key
/// yet takes it as its own, and so does one that is opened by keys that are `given` beside it: so a passphrase is added to a ring. Under
/// parameters that are weaker than those of this release it gives a second key, which is to replace the first.
///
/// # Errors
/// See [`PassphraseError`].
pub async fn ring_of_passphrase(
    pool: &PgPool,
    passphrase: Secret,
    given: Option<&KeyRing>,
) -> Result<KeyRing, PassphraseError> {
    let mut transaction = begin(pool, crate::vault::change::BEGIN).await?;
    // Holds the cluster's row, so that of two first starts one waits and finds what the other stored.
    let wrapped = cluster::lock_wrapped_key(&mut transaction).await?;
    let rows = master_keys::passphrases(&mut transaction, ROWS_MAX).await?;
    if !rows.is_empty() {
        drop(transaction);
        let known: Vec<String> = rows.iter().map(|row| row.fingerprint.clone()).collect();
        let (matching, passphrase) = matching(rows, passphrase).await?;
        if !matching.is_empty() {
            return with_replacement(pool, &known, matching, passphrase).await;
        }
        // Beside another passphrase it is a new one. Beside keys alone it may as well be mistyped, and would be kept for ever.
        let beside = given.is_some_and(|ring| {
            let mut given = ring.fingerprints().into_iter();
            given.any(|given| known.contains(&given.to_string()))
        });
        if !beside {
            return Err(PassphraseError::Wrong { known });
        }
        transaction = begin(pool, crate::vault::change::BEGIN).await?;
        return added(transaction, passphrase).await;
    }
    match wrapped {
        Some((_, fingerprint)) if given.is_none() => {
            let wanted = parse(&fingerprint)?;
            return Err(PassphraseError::None { wanted });
        }
        Some(_) => {}
        None => refuse_if_used(&mut transaction).await?,
    }
    added(transaction, passphrase).await
}

/// The master keys of a passphrase that this database has parameters for; nothing is stored.
///
/// # Errors
/// See [`PassphraseError`].
pub async fn ring_of_known_passphrase(
    pool: &PgPool,
    passphrase: Secret,
) -> Result<Option<KeyRing>, PassphraseError> {
    let mut conn = acquire(pool).await?;
    let rows = master_keys::passphrases(&mut conn, ROWS_MAX).await?;
    let (matching, _) = matching(rows, passphrase).await?;
    let rings = matching
        .into_iter()
        .map(|(key, _)| KeyRing::new(key, Vec::new()));
    let rings = rings.collect::<Result<Vec<_>, _>>()?;
    Ok(KeyRing::join(rings).ok())
}

/// Derives the passphrase under fresh parameters and stores those. Of two replicas that do it at once the second finds the first's.
async fn added(
    mut transaction: Transaction,
    passphrase: Secret,
) -> Result<KeyRing, PassphraseError> {
    cluster::lock_wrapped_key(&mut transaction).await?;
    let rows = master_keys::passphrases(&mut transaction, ROWS_MAX).await?;
    let is_full = is_full(&rows);
    let (matching, passphrase) = matching(rows, passphrase).await?;
    let (key, _) = match matching.into_iter().next() {
        Some(known) => known,
        None if is_full => return Err(PassphraseError::TooMany { max: ROWS_MAX }),
        None => store(&mut transaction, passphrase, None).await?,
    };
    transaction.commit().await?;
    Ok(KeyRing::new(key, Vec::new())?)
}

/// One more would push another out of those that a start tries.
fn is_full(rows: &[PassphraseRow]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|rows| rows >= ROWS_MAX)
}

/// The keys of the rows that it belongs to, newest first. Gives the passphrase back.
async fn matching(
    rows: Vec<PassphraseRow>,
    mut passphrase: Secret,
) -> Result<(Vec<(MasterKey, PassphraseParameters)>, Secret), PassphraseError> {
    let mut matching = Vec::new();
    for row in rows {
        let fingerprint = row.fingerprint.clone();
        let parameters = parameters_of(row);
        let (key, returned) = derive(passphrase, parameters.clone()).await?;
        passphrase = returned;
        if key.fingerprint().to_string() == fingerprint {
            matching.push((key, parameters));
        }
    }
    Ok((matching, passphrase))
}

/// Derives it under the parameters of this release, and stores those.
async fn store(
    conn: &mut PgConnection,
    passphrase: Secret,
    replaces: Option<Fingerprint>,
) -> Result<(MasterKey, PassphraseParameters), PassphraseError> {
    let parameters = PassphraseParameters::generate().map_err(MasterKeyError::from)?;
    let (key, _) = derive(passphrase, parameters.clone()).await?;
    let mut row = row_of(&key, parameters.clone());
    row.replaces = replaces.map(|fingerprint| fingerprint.to_string());
    master_keys::register_passphrase(conn, &row).await?;
    Ok((key, parameters))
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
        replaces: None,
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
