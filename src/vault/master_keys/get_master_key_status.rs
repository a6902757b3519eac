//! `GetMasterKeyStatus`.

use sqlx::PgConnection;

use super::promoted::{self, Promoted};
use crate::crypto::PassphraseParameters;
use crate::domain::rewrap::{Rewrap, RewrapState};
use crate::store::connection::acquire;
use crate::store::master_keys::{self, MasterKeyRow};
use crate::store::{self, replicas, rewraps};
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
    /// It comes from a passphrase, and guessing that is cheaper than it should be today.
    pub is_weak: bool,
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

impl MasterKeyStatus {
    /// Something is wrapped with another master key than the promoted one, and stays so: nobody has asked for a rewrap since, or it was
    /// given up.
    #[must_use]
    pub fn needs_rewrap(&self) -> bool {
        let Some(promoted) = self.master_keys.iter().find(|key| key.promoted) else {
            return false;
        };
        let last = self.rewrap.as_ref();
        let last = last.filter(|rewrap| rewrap.master_key == promoted.row.fingerprint);
        // One that is incomplete left what does not open, and another one would.
        let is_seen_to = last.is_some_and(|rewrap| {
            matches!(rewrap.state, RewrapState::Running | RewrapState::Incomplete)
        });
        !is_seen_to && self.left_behind().next().is_some()
    }

    /// Those that something is wrapped with though another one is promoted.
    pub fn left_behind(&self) -> impl Iterator<Item = &MasterKeyView> {
        let keys = self.master_keys.iter();
        keys.filter(|key| !key.promoted && key.row.is_needed())
    }
}

impl Vault {
    /// Every master key that is known or that something is wrapped with, who holds it, and how far the last rewrap is.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn get_master_key_status(&self) -> Result<MasterKeyStatus> {
        let mut conn = acquire(&self.pool).await?;
        Ok(status(&mut conn, &self.keys).await?)
    }
}

/// The same, within a change.
pub(in crate::vault) async fn status(
    conn: &mut PgConnection,
    keys: &VaultKeys,
) -> store::Result<MasterKeyStatus> {
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
            is_weak: row.costs.is_some_and(is_cheap),
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

/// Of the costs that a row has.
fn is_cheap((memory_kib, iterations): (i32, i32)) -> bool {
    let costs = u32::try_from(memory_kib)
        .ok()
        .zip(u32::try_from(iterations).ok());
    costs.is_none_or(|(memory_kib, iterations)| {
        PassphraseParameters::is_cheap(memory_kib, iterations)
    })
}
