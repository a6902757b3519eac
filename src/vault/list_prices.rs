//! `ListPrices`: what operators have set. The built-in prices are in the domain.

use super::{Result, Vault};
use crate::domain::prices::OperatorPrice;
use crate::domain::profile::Profile;
use crate::store::connection::acquire;
use crate::store::prices;

impl Vault {
    /// Prices that were set, by profile, model and the time from which on they hold; none as a filter: all.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn list_prices(
        &self,
        profile: Option<Profile>,
        model: Option<&str>,
    ) -> Result<Vec<OperatorPrice>> {
        let mut conn = acquire(&self.pool).await?;
        Ok(prices::list(&mut conn, profile, model).await?)
    }
}
