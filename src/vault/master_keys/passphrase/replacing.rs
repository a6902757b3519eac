//! A passphrase that was stretched more cheaply than is right today gives another master key, which takes over by itself.

use sqlx::PgPool;

use super::{PassphraseError, ROWS_MAX, is_full, matching, store};
use crate::crypto::{Fingerprint, KeyRing, KeyRingError, MasterKey, PassphraseParameters, Secret};
use crate::store::connection::begin;
use crate::store::{cluster, master_keys};

/// The keys that it gives, the strongest first, and another one if all of them were derived more cheaply than is right today. That it is to
/// take their place is known from here alone, where one passphrase gave them all: of what the row says somebody else may be the author.
pub(super) async fn with_replacement(
    pool: &PgPool,
    tried: &[String],
    matching: Vec<(MasterKey, PassphraseParameters)>,
    passphrase: Secret,
) -> Result<KeyRing, PassphraseError> {
    let (outdated, mut strong): (Vec<_>, Vec<_>) = matching
        .into_iter()
        .partition(|(_, parameters)| parameters.are_outdated());
    let outdated: Vec<MasterKey> = outdated.into_iter().map(|(key, _)| key).collect();
    if let (true, Some(weak)) = (strong.is_empty(), outdated.first()) {
        strong.extend(replacement(pool, tried, weak.fingerprint(), passphrase).await?);
    }
    let prints: Vec<Fingerprint> = outdated.iter().map(MasterKey::fingerprint).collect();
    let replacing = match &strong[..] {
        [(key, _)] => Some(key.fingerprint()),
        // Which of several is for a person to say.
        _ => None,
    };
    let mut keys = strong.into_iter().map(|(key, _)| key).chain(outdated);
    let Some(first) = keys.next() else {
        return Err(KeyRingError::Empty.into());
    };
    let ring = KeyRing::new(first, keys.collect())?;
    let pairs = prints.into_iter().zip(std::iter::repeat(replacing));
    Ok(pairs.fold(ring, |ring, (old, new)| match new {
        Some(new) => ring.replacing(old, new),
        None => ring,
    }))
}

/// The key that takes the place of `weak`: what another start has stored for it since those rows were tried, or a fresh one.
async fn replacement(
    pool: &PgPool,
    tried: &[String],
    weak: Fingerprint,
    passphrase: Secret,
) -> Result<Option<(MasterKey, PassphraseParameters)>, PassphraseError> {
    let mut transaction = begin(pool, crate::vault::change::BEGIN).await?;
    cluster::lock_wrapped_key(&mut transaction).await?;
    let mut rows = master_keys::passphrases(&mut transaction, ROWS_MAX).await?;
    let is_full = is_full(&rows);
    rows.retain(|row| !tried.contains(&row.fingerprint));
    let (theirs, passphrase) = matching(rows, passphrase).await?;
    let mut theirs = theirs.into_iter().filter(|(_, p)| !p.are_outdated());
    let made = match theirs.next() {
        Some(theirs) => theirs,
        None if is_full => {
            tracing::warn!(
                max = ROWS_MAX,
                "the passphrase was stretched under weaker parameters than are right today, and there is no room for another master key of it: \
                 retire one of a passphrase that is not needed by `keylease master-key retire`, and start again"
            );
            return Ok(None);
        }
        None => store(&mut transaction, passphrase, Some(weak)).await?,
    };
    transaction.commit().await?;
    tracing::info!(
        fingerprint = %made.0.fingerprint(), replaces = %weak,
        "the passphrase was stretched under weaker parameters than are right today, another master key of it takes over once every replica has it"
    );
    Ok(Some(made))
}
