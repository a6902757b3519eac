//! Limits at a glance: what is charged in the database, and what this replica could serve without it.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::account::Account;
use crate::domain::limit::Limit;
use crate::domain::name::{LimitName, OwnerName};
use crate::domain::status::{LimitStatus, OfflineStatus};
use crate::live::Live;
use crate::live::clock::boot_now;
use crate::store::{limit_charges, limit_ledgers, limits};

/// The limits of these accounts, in the order of their names.
pub(super) async fn read(
    conn: &mut PgConnection,
    accounts: &HashMap<Uuid, Account>,
    live: &Live,
) -> Result<Vec<LimitStatus>> {
    let owners: Vec<Uuid> = accounts.keys().copied().collect();
    // Of one that cannot be read nobody knows what is charged: the status of keys and the metrics tell of it.
    let limits = limits::of_owners(conn, &owners).await?;
    let limits: Vec<Limit> = limits.into_iter().flatten().collect();
    let uids: Vec<Uuid> = limits.iter().map(|limit| limit.uid).collect();
    let charges = limit_charges::of_limits(conn, &uids).await?;
    let reserved = limit_ledgers::reserved(conn, &uids).await?;
    let reserved: HashMap<Uuid, u64> = reserved.into_iter().collect();
    let status = |limit: &Limit| {
        let account = accounts.get(&limit.owner.uid())?;
        let charge = charges.get(&limit.uid).copied().unwrap_or_default();
        Some(LimitStatus {
            name: LimitName {
                owner: OwnerName::Account(account.id.clone()),
                limit: limit.id.clone(),
            },
            dimension: limit.dimension,
            amount: limit.amount,
            mode: limit.mode,
            charged: charge.units,
            charge_time: limit.terms().charge_time(),
            next_charge_end: charge.next_end,
            offline: offline(limit, reserved.get(&limit.uid).copied().unwrap_or(0), live),
        })
    };
    let mut status: Vec<_> = limits.iter().filter_map(status).collect();
    status.sort_by_cached_key(|limit| limit.name.to_string());
    Ok(status)
}

/// `kept` is what the ledger leaves alone as it last looked: a share that is newer binds it with its next look.
fn offline(limit: &Limit, kept: u64, live: &Live) -> Option<OfflineStatus> {
    let plan = limit.offline_plan().unwrap_or_default();
    let reserved = kept.max(plan.units());
    if reserved == 0 {
        return None;
    }
    let slot = live.slot().filter(|slot| slot.slot < plan.slots);
    let snapshot = live.glance();
    let account = snapshot.accounts.get(&limit.owner.uid());
    let left = account.map(|account| {
        account
            .live
            .with_budget_quietly(|budget| budget.left_offline(limit.uid, slot, boot_now()))
    });
    Some(OfflineStatus {
        reserved,
        slot: slot.map(|slot| slot.slot),
        slot_units: plan.slot_units,
        slot_left: left.unwrap_or(0),
    })
}
