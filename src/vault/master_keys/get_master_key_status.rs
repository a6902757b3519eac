//! `GetMasterKeyStatus`.

use sqlx::PgConnection;

use super::promoted::{self, Promoted};
use crate::domain::rewrap::Rewrap;
use crate::store::connection::acquire;
use crate::store::master_keys::{self, MasterKeyRow};
use crate::store::{replicas, rewraps};
use crate::vault::keys::VaultKeys;
use crate::vault::{Result, Vault};

/// A master key at a glance.
#[derive(Debug, Clone)]
pub struct MasterKeyView {
    /// What the database knows of it.
    pub row: MasterKeyRow,
    /// This replica holds it.
    pub present: bool,
    /// New secrets are wrapped with it.
    pub promoted: bool,
    /// How many of the replicas that live hold it.
    pub holding: usize,
    /// Where those that live listen that do not hold it.
    pub missing_at: Vec<String>,
}

/// The master keys of the cluster.
#[derive(Debug, Clone)]
pub struct MasterKeyStatus {
    /// Every one that is known or that something is wrapped with.
    pub master_keys: Vec<MasterKeyView>,
    /// How many replicas live.
    pub replicas: usize,
    /// The last rewrap.
    pub rewrap: Option<Rewrap>,
}

impl Vault {
    /// Every master key that is known or that something is wrapped with, who holds it, and how far the last rewrap is.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn get_master_key_status(&self) -> Result<MasterKeyStatus> {
        let mut conn = acquire(&self.pool).await?;
        status(&mut conn, &self.keys).await
    }
}

/// The same, within a change.
pub(super) async fn status(conn: &mut PgConnection, keys: &VaultKeys) -> Result<MasterKeyStatus> {
    let promoted = match promoted::read(conn, keys).await? {
        Promoted::Key(fingerprint) => Some(fingerprint.to_string()),
        Promoted::None | Promoted::Tampered => None,
    };
    let ring = keys.ring();
    let held: Vec<String> = ring
        .fingerprints()
        .iter()
        .map(ToString::to_string)
        .collect();
    let replicas = replicas::holding(conn).await?;
    let view = |row: MasterKeyRow| {
        let lacking = replicas
            .iter()
            .filter(|(_, held)| !held.contains(&row.fingerprint));
        let missing_at: Vec<String> = lacking.map(|(at, _)| at.clone()).collect();
        MasterKeyView {
            present: held.contains(&row.fingerprint),
            promoted: promoted.as_ref() == Some(&row.fingerprint),
            holding: replicas.len() - missing_at.len(),
            missing_at,
            row,
        }
    };
    Ok(MasterKeyStatus {
        master_keys: master_keys::list(conn)
            .await?
            .into_iter()
            .map(view)
            .collect(),
        replicas: replicas.len(),
        rewrap: rewraps::latest(conn).await?,
    })
}
