//! Reports on their way to the replicas that gave the leases, and those that are settled in their place.

use std::collections::HashMap;

use keylease::domain::forwarded::Forwarded;
use keylease::domain::ledger::block::Draw;
use keylease::domain::ledger::takeover::{Estate, Settled, inherited, settle};
use keylease::domain::ledger::work::block_id;
use keylease::domain::limit::Dimension;
use keylease::store::replicas::GONE;

use super::*;
use crate::caller::Report;

/// The most reports that are settled for others in one transaction.
const REPORTS_MAX: usize = 200;

/// What goes back of a report.
type Returns = Vec<(Uuid, Draw, u64)>;

impl Database {
    /// Reports for these issuers are on their way.
    pub(crate) fn send(&mut self, reports: Vec<(Uuid, Vec<u8>)>) {
        for report in reports {
            self.state.reports_sent += 1;
            self.state.reports.insert(self.state.reports_sent, report);
        }
    }

    /// Takes those for one issuer.
    pub(crate) fn take(&mut self, boot_id: Uuid) -> Vec<Report> {
        let of_issuer = |_: &u64, (issuer, _): &mut (Uuid, Vec<u8>)| *issuer == boot_id;
        let taken = self.state.reports.extract_if(.., of_issuer);
        let reports = taken.map(|(_, (issuer, bytes))| found(issuer, &bytes));
        reports.collect()
    }

    /// A replica ends.
    pub(crate) fn leave(&mut self, boot_id: Uuid) {
        self.state.replicas.remove(&boot_id);
    }

    /// Settles reports whose issuer has not been heard of; answers those that were settled by it alone. `None` if the database has to
    /// be looked at first.
    pub(crate) fn take_over(&mut self, client: &Client<'_>, time: Time) -> Option<Vec<Report>> {
        if self.finding(client).is_some() {
            return None;
        }
        let now = self.clock.at(time);
        let heard = self.state.replicas.clone();
        let is_gone = |issuer: &Uuid| {
            let heard = heard.get(issuer).map(|pulse| pulse.heard);
            *issuer != client.boot_id && heard.is_none_or(|at| at <= now.before(GONE))
        };
        let reports = &mut self.state.reports;
        let orphans = reports.extract_if(.., |_, (issuer, _)| is_gone(issuer));
        let orphans: Vec<_> = orphans
            .take(REPORTS_MAX)
            .map(|(_, orphan)| orphan)
            .collect();
        let mut settled = Vec::new();
        let mut returns = Vec::new();
        for (issuer, bytes) in orphans {
            let forwarded = Forwarded::decode(&bytes).unwrap();
            let back = self.inherited(&forwarded);
            let report = Report::found(issuer, forwarded.clone());
            let known = self.state.settled.entry((issuer, report.serial));
            let is_new = known.or_insert(Settled::NOTHING).take_report(&forwarded);
            if is_new || self.bug == Some(Bug::SettledTwice) {
                let blocks = back.into_iter();
                returns.extend(
                    blocks.map(|(_, draw, back)| (block_id(issuer, draw.block), draw, back)),
                );
                settled.push(report);
            }
        }
        self.give_back(&returns);
        Some(settled)
    }

    fn inherited(&self, report: &Forwarded) -> Returns {
        let dimension = |limit: Uuid| -> Option<Dimension> {
            Some(self.state.limits.get(&limit)?.limit.dimension)
        };
        inherited(report, dimension)
    }

    fn give_back(&mut self, returns: &[(Uuid, Draw, u64)]) {
        let bug = self.bug;
        let mut estates: HashMap<Uuid, Estate> = HashMap::new();
        for (block, ..) in returns {
            if let Some(stored) = self.block(*block)
                && (stored.closed || bug == Some(Bug::TakeOverOpen))
            {
                let settled = match bug {
                    Some(Bug::TakeOverCounted) => Vec::new(),
                    _ => stored.settled.clone(),
                };
                let units = stored.units;
                estates.insert(*block, Estate { units, settled });
            }
        }
        let taken = settle(&mut estates, returns.iter().copied());
        for (block, units) in taken {
            if let Some(stored) = self.block(block) {
                stored.units = stored.units.min(units);
                stored.epoch += 1;
            }
        }
    }

    /// Rows.
    pub(crate) fn entries(&self) -> usize {
        let state = &self.state;
        let blocks = state.limits.values().map(|row| row.blocks.len());
        let others = [
            state.replicas.len(),
            state.reports.len(),
            state.settled.len(),
        ];
        blocks.chain(others).sum()
    }

    fn block(&mut self, id: Uuid) -> Option<&mut Stored> {
        let mut rows = self.state.limits.values_mut();
        rows.find_map(|row| row.blocks.get_mut(&id))
    }
}

fn found(issuer: Uuid, bytes: &[u8]) -> Report {
    Report::found(issuer, Forwarded::decode(bytes).unwrap())
}

impl Row {
    /// What a replica says of a block of its own, as long as nobody has settled in its place.
    pub(super) fn state_use(&mut self, stated: Stated, bug: Option<Bug>) {
        let Some(block) = self.blocks.get_mut(&stated.block_id) else {
            return;
        };
        if bug == Some(Bug::ReturnTwice) {
            let back = block.stated.saturating_sub(stated.used);
            block.units = block.units.saturating_sub(back);
            block.stated = stated.used;
        } else if block.epoch > 0 {
            return;
        }
        block.units = block.units.min(stated.used);
        let until = stated.charge_until.unwrap_or(block.charge_until);
        if until < block.charge_until {
            block.charge_until = until;
            block.binds_until = 0;
        }
        block.closed = true;
        block.ended |= stated.is_ended;
        if count(&stated.settled) >= count(&block.settled) {
            block.settled = stated.settled;
        }
    }
}

fn count(settled: &[u8]) -> u32 {
    settled.iter().map(|byte| byte.count_ones()).sum()
}
