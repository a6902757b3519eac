//! `GetMasterKeyStatus`.

use super::{Result, Vault};
use crate::store::connection::acquire;
use crate::store::master_keys::{self, MasterKeyRow};

/// A master key at a glance.
#[derive(Debug, Clone)]
pub struct MasterKeyView {
    /// What the database knows of it.
    pub row: MasterKeyRow,
    /// This replica holds it.
    pub present: bool,
    /// New secrets are wrapped with it.
    pub promoted: bool,
}

impl Vault {
    /// Every master key that this replica holds or that something is wrapped with.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn get_master_key_status(&self) -> Result<Vec<MasterKeyView>> {
        let mut conn = acquire(&self.pool).await?;
        let ring = &self.keys.ring;
        let promoted = ring.promoted().fingerprint().to_string();
        let held: Vec<String> = ring
            .fingerprints()
            .iter()
            .map(ToString::to_string)
            .collect();
        let rows = master_keys::list(&mut conn).await?;
        let views = rows.into_iter().map(|row| MasterKeyView {
            present: held.contains(&row.fingerprint),
            promoted: row.fingerprint == promoted,
            row,
        });
        Ok(views.collect())
    }
}
