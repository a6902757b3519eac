//! The transaction that lets a lease go on.

use std::time::Duration;

use keylease::domain::ledger::renewal::Renewal;

use super::*;

impl Database {
    /// Whether the lease goes on; `None` if the database has to be looked at first.
    pub(crate) fn renew(
        &mut self,
        renewals: &[Renewal],
        issuer: Uuid,
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
            for renewal in renewals {
                if let Some(row) = self.state.limits.get_mut(&renewal.limit) {
                    row.renew(renewal, issuer, report_within, &asker, client, now);
                }
            }
        }
        Some(goes_on)
    }
}

impl Row {
    fn carries(&self, renewal: &Renewal, issuer: Uuid) -> bool {
        let (drawn, own) = renewal.charges(issuer);
        let low = self.entry.clocks.low;
        let is_charged = |block: &Stored| block.units > 0 && block.charge_until > low;
        let charges = [drawn, own].into_iter();
        charges
            .filter_map(|id| self.blocks.get(&id))
            .any(is_charged)
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
        let terms = self.limit.terms();
        let terming = self.terming(now);
        let mut page = Page::new(&work, self.entry, Some(terming));
        client.samples.add(now, client.now);
        let low = self.entry.clocks.low;
        let (charge, epsilon) = (terms.charge_time(), terms.epsilon());
        let believed = client
            .samples
            .believed(work.limit, low, charge, epsilon, client.sent);
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
