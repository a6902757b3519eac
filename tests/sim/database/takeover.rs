//! Rows of what replicas left that are gone.

use std::collections::BTreeSet;
use std::time::Duration;

use keylease::domain::ledger::takeover::Estate;
use keylease::live::takeover::{self, Inherited};
use keylease::store::Result;
use keylease::store::estate_rows::EstateRows;
use keylease::store::foreign_reports::Orphan;

use super::*;

impl Database {
    /// The transaction that settles leases in the place of replicas that are gone; `None` if there was nothing to do.
    pub(crate) fn take_over(&mut self, client: &Client<'_>, time: Time) -> Option<Vec<Inherited>> {
        let limits = self.limits();
        let dimension = |_account, uid| {
            let mut limits = limits.iter();
            limits.find(|l| l.uid == uid).map(|l| l.dimension)
        };
        let mut rows = Rows::new(self, client, time);
        at_once(takeover::write(&mut rows, client.replica, dimension))
    }
}

impl EstateRows for Rows<'_> {
    async fn orphans(&mut self, lapse: Duration, rows_max: i64) -> Result<Vec<Orphan>> {
        let (now, state) = (self.database.clock.at(self.time), &self.database.state);
        let is_gone = |issuer: &Uuid| {
            let pulse = state.replicas.get(issuer);
            pulse.is_none_or(|pulse| pulse.heard <= now.before(lapse))
        };
        let orphans = state.reports.iter();
        let orphans = orphans.filter(|(_, (issuer, _))| is_gone(issuer));
        let orphans = orphans.map(|(id, (issuer, report))| Orphan {
            id: *id,
            issuer: *issuer,
            report: report.clone(),
        });
        Ok(orphans.take(usize::try_from(rows_max).unwrap()).collect())
    }

    async fn settled(
        &mut self,
        leases: &BTreeSet<(Uuid, u64)>,
    ) -> Result<HashMap<(Uuid, u64), Settled>> {
        let bug = self.database.bug;
        let settled = leases.iter().map(|lease| {
            let known = self.database.state.settled.entry(*lease);
            let known = known.or_insert(Settled::NOTHING);
            let settled = match bug {
                Some(Bug::SettledTwice) => Settled::NOTHING,
                _ => known.clone(),
            };
            (*lease, settled)
        });
        Ok(settled.collect())
    }

    async fn note(&mut self, leases: &HashMap<(Uuid, u64), Settled>) -> Result<()> {
        let noted = leases
            .iter()
            .map(|(lease, settled)| (*lease, settled.clone()));
        self.database.state.settled.extend(noted);
        Ok(())
    }

    async fn estates(&mut self, blocks: &[Uuid]) -> Result<HashMap<Uuid, Estate>> {
        let bug = self.database.bug;
        let mut estates = HashMap::new();
        for id in blocks {
            let Some(block) = self.database.block(*id) else {
                continue;
            };
            let settled = match bug {
                Some(Bug::TakeOverCounted) => Vec::new(),
                _ => block.settled.clone(),
            };
            if block.closed || bug == Some(Bug::TakeOverOpen) {
                let units = block.units;
                estates.insert(*id, Estate { units, settled });
            }
        }
        Ok(estates)
    }

    async fn take_over(&mut self, blocks: &[(Uuid, u64)]) -> Result<()> {
        for (id, units) in blocks {
            if let Some(block) = self.database.block(*id) {
                block.units = block.units.min(*units);
                block.epoch += 1;
            }
        }
        Ok(())
    }

    async fn discard(&mut self, reports: &[i64]) -> Result<()> {
        for id in reports {
            self.database.state.reports.remove(id);
        }
        Ok(())
    }
}
