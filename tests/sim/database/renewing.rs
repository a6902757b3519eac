//! The transaction that lets a lease go on.

use std::time::Duration;

use keylease::domain::ledger::block::is_settled;
use keylease::domain::ledger::renewal::Renewal;

use super::*;

impl Database {
    /// Whether the lease goes on; `None` if the database has to be looked at first.
    pub(crate) fn renew(
        &mut self,
        renewals: &[Renewal],
        (issuer, serial): (Uuid, u64),
        report_within: Duration,
        client: &mut Client<'_>,
        time: Time,
    ) -> Option<bool> {
        if self.finding(client).is_some() {
            return None;
        }
        let asker = Asker {
            boot_id: client.boot_id,
            live: client.live,
            loss: self.standing(client.boot_id).loss,
        };
        let now = self.clock.at(time);
        let goes_on = renewals.iter().all(|renewal| {
            let row = self.state.limits.get(&renewal.limit);
            row.is_none_or(|row| row.carries(renewal, issuer))
        });
        if goes_on {
            let until = now.after(report_within);
            let renewed = self.state.renewed.entry((issuer, serial));
            let renewed = renewed.or_insert(until);
            *renewed = until.max(*renewed);
            for renewal in renewals {
                if let Some(row) = self.state.limits.get_mut(&renewal.limit) {
                    row.renew(renewal, issuer, report_within, &asker, client, now);
                }
            }
        }
        Some(goes_on)
    }

    /// Until when a lease goes on, if it was renewed.
    pub(crate) fn renewed_until(&self, issuer: Uuid, serial: u64) -> Option<Timestamp> {
        self.state.renewed.get(&(issuer, serial)).copied()
    }
}

impl Row {
    fn carries(&self, renewal: &Renewal, issuer: Uuid) -> bool {
        let (drawn, own) = renewal.charges(issuer);
        let low = self.entry.clocks.low;
        let charged = |id: Uuid| {
            let block = self.blocks.get(&id);
            block.filter(|b| b.units > 0 && b.charge_until > low && b.epoch == 0)
        };
        // One report settles all of a lease of one use.
        let ordinal = renewal.draw.ordinal;
        let is_held = |block: &Stored| renewal.granted > 1 || !is_settled(&block.settled, ordinal);
        charged(drawn).is_some_and(is_held) || charged(own).is_some()
    }

    fn renew(
        &mut self,
        renewal: &Renewal,
        issuer: Uuid,
        report_within: Duration,
        asker: &Asker,
        client: &mut Client<'_>,
        now: Timestamp,
    ) {
        let work = Work::silent(renewal.limit);
        let terming = self.terming(now);
        let mut page = Page::new(&work, self.entry, Some(terming));
        client.samples.add(now, client.now, client.now);
        let believed = client.believed(&page, None);
        let blocks = page.turn(asker, believed, Uuid::now_v7);
        let renewed = page.renew(renewal, issuer, report_within).unwrap();
        self.entry = page.entry;
        for block in blocks {
            self.insert(&block);
        }
        match self.blocks.get_mut(&renewed.block_id) {
            Some(known) => known.charge_until = known.charge_until.max(renewed.charge_until),
            None => self.insert(&renewed),
        }
    }
}
