//! Accounts of which a long limit is spent, as the database knows. Short ones are what callers wait in line for.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::limit::{Dimension, Limit, Mode};
use crate::domain::pool::Estimate;
use crate::domain::time::Timestamp;
use crate::live::snapshot::Snapshot;
use crate::store;
use crate::store::connection::acquire;
use crate::store::limit_charges::{self, Charge};
use crate::vault::Vault;

/// Limits that are charged for less are not waited out by people.
const LONG: Duration = Duration::from_mins(10);
/// The most limits in one query.
const BATCH_MAX: usize = 1_000;

impl Vault {
    /// When the next of what such an account lacks is free, by its uid.
    pub(super) async fn spent_accounts(
        &self,
        snapshot: &Snapshot,
    ) -> store::Result<HashMap<Uuid, Timestamp>> {
        let limits = snapshot.accounts.values().flat_map(|entry| &entry.limits);
        let limits: Vec<_> = limits.filter(|limit| is_long(limit)).collect();
        let mut spent: HashMap<Uuid, Timestamp> = HashMap::new();
        for batch in limits.chunks(BATCH_MAX) {
            let uids: Vec<Uuid> = batch.iter().map(|limit| limit.uid).collect();
            let mut conn = acquire(&self.pool).await?;
            let charges = limit_charges::of_limits(&mut conn, &uids).await?;
            for limit in batch {
                let charge = charges.get(&limit.uid);
                if let Some(until) = charge.and_then(|charge| spent_until(limit, charge)) {
                    let known = spent.entry(limit.owner.uid()).or_insert(until);
                    *known = until.max(*known);
                }
            }
        }
        Ok(spent)
    }
}

/// One that refuses every lease of its account for a while once it is spent.
fn is_long(limit: &Limit) -> bool {
    limit.mode == Mode::Enforce
        && limit.models.is_empty()
        && limit.dimension != Dimension::Concurrency
        && limit.terms().charge_time() >= LONG
}

/// Where what is left does not do for one use, when more is free.
fn spent_until(limit: &Limit, charge: &Charge) -> Option<Timestamp> {
    let Estimate {
        input_tokens,
        output_tokens,
        ..
    } = Estimate::DEFAULT;
    let need = match limit.dimension {
        Dimension::Requests | Dimension::Concurrency | Dimension::CostMicros => 1,
        Dimension::Tokens => input_tokens + output_tokens,
        Dimension::InputTokens => input_tokens,
        Dimension::OutputTokens => output_tokens,
    };
    let amount = limit.ledger_amount();
    let left = amount.saturating_sub(charge.units);
    charge.next_end.filter(|_| left < need.min(amount))
}
