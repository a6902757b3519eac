//! What a start does with the master keys: it makes the cluster key once, opens it, and says plainly which master key is missing.

use sqlx::{PgConnection, PgPool};

use self::inheriting::Origin;
use super::keys::VaultKeys;
use super::master_keys::promoted;
use crate::crypto::{
    ClusterKey, ClusterKeyError, Fingerprint, KeyRing, MissingMasterKey, RandomError,
    WrappedClusterKey,
};
use crate::store::connection::{acquire, begin};
use crate::store::{self, callers, cluster, master_keys, secrets};

mod inheriting;

/// Why a vault cannot be opened. The messages are for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The ring lacks a master key that something is wrapped with.
    #[error(transparent)]
    MissingMasterKey(#[from] MissingMasterKey),
    /// The cluster key was tampered with or damaged.
    #[error(
        "the cluster key does not open: it was tampered with or damaged, restore the table cluster from a backup"
    )]
    ClusterKeyDamaged,
    /// There is data, and no cluster key to read it with.
    #[error(
        "the cluster key is gone, and the database holds what it was made for: restore the table cluster from a backup"
    )]
    ClusterKeyGone,
    /// Nobody has started anything on it yet.
    #[error("the vault is new: nothing was ever started on this database")]
    New,
    /// The database holds a fingerprint that is none.
    #[error(
        "the database names a master key by something that is not a fingerprint: it was tampered with or damaged"
    )]
    FingerprintDamaged,
    /// The database failed.
    #[error("the database failed while the vault was opened")]
    Database(#[from] store::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl VaultKeys {
    /// Opens the cluster key with the ring, or makes one if the cluster has none. Two first starts at once make one between them.
    ///
    /// # Errors
    /// [`OpenError::MissingMasterKey`] names the fingerprint that is needed; see [`OpenError`].
    pub async fn open(pool: &PgPool, ring: KeyRing) -> Result<Self, OpenError> {
        let mut transaction = begin(pool, super::change::BEGIN).await?;
        let wrapped = cluster::lock_wrapped_key(&mut transaction).await?;
        let (cluster, origin) = match unwrapped(wrapped, &ring)? {
            Some((cluster, by)) => (cluster, Origin::Wrapped(by)),
            None => (first_start(&mut transaction, &ring).await?, Origin::Made),
        };
        for fingerprint in secrets::master_keys(&mut transaction).await? {
            ring.find(&parse(&fingerprint)?)?;
        }
        for fingerprint in ring.fingerprints() {
            master_keys::register(&mut transaction, &fingerprint.to_string()).await?;
        }
        let keys = Self::new(ring, cluster);
        keys.inherit(&mut transaction, origin).await?;
        let retired = master_keys::retired(&mut transaction).await?;
        transaction.commit().await?;
        promoted::read_committed(&mut *acquire(pool).await?, &keys).await?;
        keys.drop_retired(&retired);
        Ok(keys)
    }

    /// Opens the cluster key to look, and writes nothing.
    ///
    /// # Errors
    /// As [`VaultKeys::open`], and where nothing was ever started on this database.
    pub async fn look(pool: &PgPool, ring: KeyRing) -> Result<Self, OpenError> {
        let mut conn = acquire(pool).await?;
        let wrapped = cluster::wrapped_key(&mut conn).await?;
        let Some((cluster, _)) = unwrapped(wrapped, &ring)? else {
            refuse_if_used(&mut conn).await?;
            return Err(OpenError::New);
        };
        Ok(Self::new(ring, cluster))
    }

    /// Retired master keys are not held, wherever they are still found.
    fn drop_retired(&self, retired: &[String]) {
        let is_kept = |fingerprint: &Fingerprint| !retired.contains(&fingerprint.to_string());
        if let Some(kept) = self.ring().retain(is_kept) {
            self.hold(kept);
        }
    }
}

/// The cluster key, if there is one, and the master key that wraps it.
fn unwrapped(
    stored: Option<(Vec<u8>, String)>,
    ring: &KeyRing,
) -> Result<Option<(ClusterKey, Fingerprint)>, OpenError> {
    let Some((wrapped, fingerprint)) = stored else {
        return Ok(None);
    };
    let master_key = parse(&fingerprint)?;
    let row = WrappedClusterKey {
        master_key,
        wrapped,
    };
    Ok(Some((ClusterKey::unwrap(ring, &row)?, master_key)))
}

async fn first_start(conn: &mut PgConnection, ring: &KeyRing) -> Result<ClusterKey, OpenError> {
    refuse_if_used(conn).await?;
    let cluster = ClusterKey::generate()?;
    let wrapped = cluster.wrap(ring.first())?;
    let fingerprint = wrapped.master_key.to_string();
    cluster::set_wrapped_key(conn, &wrapped.wrapped, &fingerprint).await?;
    master_keys::add_wraps(conn, &fingerprint, 1).await?;
    Ok(cluster)
}

/// A database without a cluster key is new, or has lost it. A new key would make every row look forged and let a first administrator be
/// made beside those that are there.
pub(super) async fn refuse_if_used(conn: &mut PgConnection) -> Result<(), OpenError> {
    let changed = cluster::rev(conn).await? > 0;
    let sealed = !secrets::master_keys(conn).await?.is_empty();
    if changed || sealed || !callers::admins(conn).await?.is_empty() {
        return Err(OpenError::ClusterKeyGone);
    }
    Ok(())
}

pub(super) fn parse(fingerprint: &str) -> Result<Fingerprint, OpenError> {
    fingerprint
        .parse()
        .map_err(|_| OpenError::FingerprintDamaged)
}

impl From<ClusterKeyError> for OpenError {
    fn from(error: ClusterKeyError) -> Self {
        match error {
            ClusterKeyError::MissingMasterKey(missing) => Self::MissingMasterKey(missing),
            ClusterKeyError::DoesNotOpen => Self::ClusterKeyDamaged,
        }
    }
}
