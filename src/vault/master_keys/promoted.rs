//! Which master key wraps whatever is sealed: the cluster's row says so, under a MAC, and every transaction that seals asks it.

use std::sync::Arc;

use crate::crypto::{Fingerprint, KeyRing, MasterKey, PromotionRow};
use crate::store::cluster::StoredPromotion;
use crate::store::{self, audit_records, audit_standing, cluster, master_keys};
use crate::vault::error::Refusal;
use crate::vault::keys::VaultKeys;
use crate::vault::{Result, Work};

/// What the cluster's row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::vault) enum Promoted {
    /// No release that keeps it here has started yet.
    None,
    /// This one.
    Key(Fingerprint),
    /// The row was changed by somebody who does not have the cluster key, or is an earlier one than was seen here.
    Tampered,
}

/// What the cluster's row says, with the number of the promotion: none where a release wrote it that numbers none.
struct Found {
    number: Option<i64>,
    fingerprint: Fingerprint,
}

/// The promoted master key, held here.
#[derive(Debug)]
pub(in crate::vault) struct Sealer {
    ring: Arc<KeyRing>,
    fingerprint: Fingerprint,
}

impl Sealer {
    /// The key.
    ///
    /// # Errors
    /// None: that it is held was looked at when this was made, and a ring never changes.
    pub(in crate::vault) fn master_key(&self) -> Result<&MasterKey> {
        let found = self.ring.find(&self.fingerprint);
        Ok(found.map_err(crate::crypto::EnvelopeError::from)?)
    }

    pub(in crate::vault) const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// Reads it.
pub(in crate::vault) async fn read(
    conn: &mut sqlx::PgConnection,
    keys: &VaultKeys,
) -> store::Result<Promoted> {
    let Some(stored) = cluster::promoted_master_key(conn).await? else {
        return Ok(Promoted::None);
    };
    let found = proven(keys, &stored).filter(|found| is_current(keys, found));
    Ok(found.map_or(Promoted::Tampered, |found| Promoted::Key(found.fingerprint)))
}

/// Reads it where nothing of it can be undone any more, and remembers it: from then on an earlier one is refused here.
pub(in crate::vault) async fn read_committed(
    conn: &mut sqlx::PgConnection,
    keys: &VaultKeys,
) -> store::Result<Promoted> {
    let stored = cluster::promoted_master_key(conn).await?;
    if let Some(found) = stored.and_then(|stored| proven(keys, &stored))
        && let Some(number) = found.number
    {
        keys.saw_promotion(number, found.fingerprint);
    }
    read(conn, keys).await
}

/// The number of the promotion in force, if it has one.
pub(in crate::vault) async fn number(
    conn: &mut sqlx::PgConnection,
    keys: &VaultKeys,
) -> store::Result<Option<i64>> {
    let stored = cluster::promoted_master_key(conn).await?;
    Ok(stored.and_then(|stored| proven(keys, &stored)?.number))
}

/// Whether a release has written it that numbers promotions.
pub(in crate::vault) async fn is_numbered(conn: &mut sqlx::PgConnection) -> store::Result<bool> {
    let stored = cluster::promoted_master_key(conn).await?;
    Ok(stored.is_some_and(|stored| stored.number.is_some()))
}

fn proven(keys: &VaultKeys, stored: &StoredPromotion) -> Option<Found> {
    let row = PromotionRow {
        master_key: &stored.master_key,
        number: stored.number,
    };
    let holds = keys.mac.verifies_row(&row, &stored.mac);
    let fingerprint = stored.master_key.parse().ok().filter(|_| holds)?;
    Some(Found {
        number: stored.number,
        fingerprint,
    })
}

/// Whether it is no earlier one than was seen here. Of two with one number the other was written in a past that is none.
fn is_current(keys: &VaultKeys, found: &Found) -> bool {
    keys.promotion().is_none_or(|(number, fingerprint)| {
        found.number > Some(number)
            || (found.number == Some(number) && found.fingerprint == fingerprint)
    })
}

/// Whether one was promoted ever: by a start, which begins to count the audit's chains too, or by a person, which is on record. Where the
/// cluster's row says nothing of it then, that was removed.
pub(in crate::vault) async fn was_any(conn: &mut sqlx::PgConnection) -> store::Result<bool> {
    let is_counted = audit_standing::find(conn).await?.is_some();
    Ok(is_counted || audit_records::has_promotion(conn).await?)
}

/// Writes it, as a promotion later than any that is known, and answers its number.
pub(in crate::vault) async fn write(
    conn: &mut sqlx::PgConnection,
    keys: &VaultKeys,
    fingerprint: Fingerprint,
) -> store::Result<i64> {
    let stored = cluster::promoted_master_key(conn).await?;
    let stored = stored.and_then(|stored| proven(keys, &stored));
    let last = match stored {
        Some(found) => found.number.unwrap_or(0),
        // What others have seen is lost here: each but the first took a revision, so that none has a higher number.
        None => cluster::rev(conn).await?,
    };
    let seen = keys.promotion().map_or(0, |(number, _)| number);
    let next = last.max(seen).saturating_add(1);
    let text = fingerprint.to_string();
    let mac = keys.mac.of_row(&PromotionRow {
        master_key: &text,
        number: Some(next),
    });
    cluster::promote_master_key(conn, &text, next, &mac).await?;
    master_keys::show_promoted(conn, &text).await?;
    Ok(next)
}

/// The promoted master key, in the transaction of a change: no other can be promoted before that ends. Whoever seals by one that others
/// promoted has seen it.
///
/// # Errors
/// This replica does not hold it, or the row is not believed.
pub(in crate::vault) async fn sealer(work: &mut Work<'_>) -> Result<Sealer> {
    let refuse = |resource: String, message: String| Refusal::State { resource, message };
    let promoted = if work.promotes_nothing() {
        read_committed(work.conn, work.keys).await?
    } else {
        read(work.conn, work.keys).await?
    };
    match promoted {
        Promoted::Key(fingerprint) => {
            let ring = work.keys.ring();
            if ring.find(&fingerprint).is_ok() {
                return Ok(Sealer { ring, fingerprint });
            }
            let message = format!(
                "master key {fingerprint} is promoted and this replica does not hold it: give it the key, or ask another replica"
            );
            Err(refuse(fingerprint.to_string(), message).into())
        }
        Promoted::None | Promoted::Tampered => {
            let message = "which master key is promoted was changed in the database outside of keylease: promote one again, after \
                `keylease master-key status` and a look at who wrote there";
            Err(refuse("cluster".to_owned(), message.to_owned()).into())
        }
    }
}
