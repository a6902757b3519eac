//! The slot of this replica: what it serves from while the database cannot be reached.

use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use uuid::Uuid;

use super::snapshot::Snapshot;
use crate::domain::ledger::offline::slots::{Claim, Slot, SlotRow, Wants, Watch};
use crate::domain::time::BootTime;
use crate::store;
use crate::store::heartbeat_rows::HeartbeatRows;

/// The slot of this replica, and what it has seen of all.
#[derive(Debug, Default)]
pub struct Slots {
    watch: Mutex<Watch>,
    own: ArcSwapOption<Slot>,
}

/// What a heartbeat read and wrote of the slots: it counts once it has been committed.
#[derive(Debug)]
pub struct Looked {
    seen: Vec<SlotRow>,
    incarnation: i64,
    claimed: Option<Claim>,
    sent: BootTime,
}

impl Slots {
    /// The slot as last acknowledged. `read` is when the configuration was known to be the latest.
    #[must_use]
    pub fn own(&self, read: BootTime) -> Option<Slot> {
        let own = self.own.load();
        own.as_ref().map(|own| Slot { read, ..**own })
    }

    /// Renews the slot of this replica, or takes one that has lain still for long enough, within a heartbeat that was begun at `sent`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look(
        &self,
        rows: &mut impl HeartbeatRows,
        boot_id: Uuid,
        incarnation: i64,
        wants: Wants,
        sent: BootTime,
    ) -> store::Result<Looked> {
        let seen = rows.slots().await?;
        let own = self.own(sent);
        let mut claimed = {
            let mut watch = self.watch.lock();
            watch.decide(boot_id, own, &seen, incarnation, wants, sent)
        };
        let is_kept =
            claimed.is_some_and(|claim| own.is_some_and(|own| own.slot == claim.seen.slot));
        if !is_kept {
            self.lose();
        }
        if let Some(claim) = &claimed
            && !rows.claim(boot_id, claim).await?
        {
            self.lose();
            claimed = None;
        }
        Ok(Looked {
            seen,
            incarnation,
            claimed,
            sent,
        })
    }

    /// The heartbeat was committed, by `now`. A share is served by once it has been known for so long as a failover may lose.
    pub fn committed(&self, looked: &Looked, settle: Duration, now: BootTime) {
        let mut watch = self.watch.lock();
        watch.saw(&looked.seen, looked.incarnation, now);
        let own = looked.claimed.map(|claim| Slot {
            slot: claim.seen.slot,
            renewed: looked.sent,
            read: looked.sent,
            reach: claim.reach,
            settle,
        });
        if let Some(own) = own {
            let before = self.own.swap(Some(own.into()));
            if before.is_none_or(|before| before.slot != own.slot) {
                tracing::info!(
                    slot = own.slot,
                    "this replica serves from this slot while the database cannot be reached"
                );
            }
        }
    }

    /// It is somebody else's, or of no use: nothing is served from it any more.
    pub fn lose(&self) {
        if let Some(own) = self.own.swap(None) {
            tracing::info!(slot = own.slot, "this replica has given up its slot");
        }
    }
}

/// What the limits ask for; `None` if none of them has an offline share.
#[must_use]
pub fn wants(snapshot: &Snapshot) -> Option<Wants> {
    let limits = snapshot.offline.iter();
    Wants::of(limits.filter_map(|(_, limit)| limit.offline_plan()))
}
