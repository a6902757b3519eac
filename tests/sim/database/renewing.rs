//! Rows of leases that go on.

use std::collections::HashSet;

use keylease::domain::canary::{Right, Subject};
use keylease::domain::ledger::block::is_settled;
use keylease::domain::ledger::page::NewBlock;
use keylease::domain::limit::Mode;
use keylease::domain::models::Pattern;
use keylease::live::renew::{self, Renewed, Renewing};
use keylease::store::Result;
use keylease::store::limit_renewals::Carried;
use keylease::store::renewal_rows::RenewalRows;

use super::*;

impl Database {
    /// The transaction that lets a lease go on.
    pub(crate) fn renew(
        &mut self,
        renewing: &Renewing,
        client: &Client<'_>,
        time: Time,
    ) -> Renewed {
        let clock = Clock::of(client, &mut self.lags, self.bug);
        let mut rows = Rows::new(self, client, time);
        let written = renew::write(&mut rows, client.replica, &clock, renewing, client.sent);
        at_once(written)
    }

    /// Until when a lease goes on, if it was renewed.
    pub(crate) fn renewed_until(&self, issuer: Uuid, serial: u64) -> Option<Timestamp> {
        self.state.renewed.get(&(issuer, serial)).copied()
    }
}

impl RenewalRows for Rows<'_> {
    async fn carried(
        &mut self,
        issuer: Uuid,
        serial: u64,
        carried: &[Carried],
    ) -> Result<HashSet<Uuid>> {
        let settled = self.database.state.settled.get(&(issuer, serial));
        let is_done = settled.is_some_and(|settled| settled.uses.is_none());
        let is_carried = |carried: &&Carried| {
            let row = self.database.state.limits.get(&carried.limit);
            row.is_some_and(|row| row.carries(carried, is_done))
        };
        let by_estate = carried.iter().filter(|carried| {
            let row = self.database.state.limits.get(&carried.limit);
            let drawn = row.and_then(|row| row.blocks.get(&carried.drawn));
            drawn.is_some_and(|block| block.epoch > 0)
        });
        self.by_estate = by_estate.map(|carried| carried.limit).collect();
        let held = carried.iter().filter(is_carried);
        Ok(held.map(|carried| carried.limit).collect())
    }

    async fn held_beside(&mut self, _version: Uuid, limits: &[Uuid]) -> Result<Vec<Vec<Pattern>>> {
        let is_blind = self.database.bug == Some(Bug::RenewedUncounted);
        let rows = self.database.state.limits.values();
        let held = rows.filter(|row| !row.is_deleted && row.limit.span.is_held());
        let refusing = held.filter(|row| row.limit.mode == Mode::Enforce && !is_blind);
        let beside = refusing.filter(|row| !limits.contains(&row.limit.uid));
        Ok(beside.map(|row| row.limit.models.clone()).collect())
    }

    // No lease of the simulation tries anything, so there are no rights.
    async fn right(&mut self, _subject: &Subject) -> Result<Option<Right>> {
        Ok(None)
    }

    async fn now(&mut self) -> Result<Timestamp> {
        Ok(self.database.clock.at(self.time))
    }

    async fn put_right(&mut self, _subject: &Subject, _right: &Right) -> Result<bool> {
        Ok(false)
    }

    // No version is revoked.
    async fn hold_version(&mut self, _version: Uuid) -> Result<bool> {
        Ok(true)
    }

    async fn prolong(&mut self, _issuer: Uuid, blocks: &[NewBlock]) -> Result<()> {
        let is_charged = self.database.bug != Some(Bug::RenewedByEstate);
        for block in blocks {
            let row = self.database.state.limits.get_mut(&block.limit_uid);
            if is_charged || !self.by_estate.contains(&block.limit_uid) {
                row.unwrap().prolong(block);
            }
        }
        Ok(())
    }

    async fn extend(&mut self, lease: (Uuid, u64), _version: Uuid, until: Timestamp) -> Result<()> {
        let known = self.database.state.renewed.entry(lease).or_insert(until);
        *known = until.max(*known);
        Ok(())
    }

    async fn send(&mut self, issuer: Uuid, news: &[u8]) -> Result<()> {
        self.database.send(vec![(issuer, news.to_vec())]);
        Ok(())
    }
}

impl Row {
    /// Whether something is charged for a lease still, which may have been reported elsewhere to its end.
    fn carries(&self, carried: &Carried, is_done: bool) -> bool {
        let charged = |id: Uuid| {
            let block = self.blocks.get(&id);
            block.filter(|b| b.units > 0 && b.charge_until > carried.low)
        };
        let charged = |id: Uuid| charged(id).filter(|b| b.epoch == 0 || !is_done);
        let is_reported = |block: &Stored| {
            let ordinal = carried.ordinal;
            ordinal.is_some_and(|ordinal| is_settled(&block.settled, ordinal))
        };
        let drawn = charged(carried.drawn);
        drawn.is_some_and(|block| !is_reported(block)) || charged(carried.own).is_some()
    }
}
