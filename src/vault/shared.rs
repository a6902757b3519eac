//! What the floors above share with a vault: its keys, its database and its memory.

use std::sync::Arc;

use sqlx::PgPool;

use super::{Vault, VaultKeys};
use crate::live::Live;

impl Vault {
    /// The keys in force.
    #[must_use]
    pub const fn keys(&self) -> &Arc<VaultKeys> {
        &self.keys
    }

    /// The database.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// This replica's memory.
    #[must_use]
    pub const fn live(&self) -> &Arc<Live> {
        &self.live
    }
}
