//! `ListAlerts`.

use std::collections::HashMap;

use uuid::Uuid;

use super::page::Page;
use super::{Result, Vault};
use crate::domain::time::Timestamp;
use crate::store::alert_deliveries::{self, Delivery};
use crate::store::alerts::{self, Alert};
use crate::store::connection::acquire;

/// An alert, and what became of its messages.
pub type ToldAlert = (Alert, Vec<Delivery>);

impl Vault {
    /// A page of alerts, newest first, and the token of the next; only open ones, if wanted.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn list_alerts(
        &self,
        is_open: bool,
        page: &Page,
    ) -> Result<(Vec<ToldAlert>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let slice = page.slice();
        let before = slice.after.and_then(place);
        let mut rows = alerts::list(&mut conn, before, is_open, slice.rows_max).await?;
        let next = page.cut(&self.keys, &mut rows, |alert| {
            format!("{}.{}", alert.open_time.micros(), alert.uid)
        });
        let uids: Vec<Uuid> = rows.iter().map(|alert| alert.uid).collect();
        let mut told: HashMap<Uuid, Vec<Delivery>> = HashMap::new();
        for delivery in alert_deliveries::of_alerts(&mut conn, &uids).await? {
            told.entry(delivery.alert_uid).or_default().push(delivery);
        }
        let told = rows.into_iter().map(|alert| {
            let deliveries = told.remove(&alert.uid).unwrap_or_default();
            (alert, deliveries)
        });
        Ok((told.collect(), next))
    }
}

/// Where the page before ended.
fn place(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let (micros, uid) = cursor.split_once('.')?;
    Some((
        Timestamp::from_micros(micros.parse().ok()?),
        uid.parse().ok()?,
    ))
}
