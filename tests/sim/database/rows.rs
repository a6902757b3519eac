//! One limit, and its blocks.

use super::*;

impl Row {
    /// One limit of a transaction, in the order of the statements over SQL.
    pub(super) fn transact(
        &mut self,
        work: &Work,
        asker: &Asker,
        client: &mut Client<'_>,
        (now, time): (Timestamp, Time),
        bug: Option<Bug>,
    ) -> Option<Answer> {
        let mut work = work.clone();
        if bug == Some(Bug::NoFreeze) {
            work.seen = Seen::NONE;
        }
        if bug == Some(Bug::LossAnsweredByEach) {
            work.seen.incarnation = self.entry.incarnation;
        }
        let terms = self.limit.terms();
        let terming = self.terming(now);
        self.may_forget_the_larger_share(bug);
        if bug == Some(Bug::FreezeOnStep) && client.sees_step(now) {
            let until = terms.charge_until(self.entry.clocks.high.max(now));
            self.entry.frozen_until = self.entry.frozen_until.max(Some(until));
        }
        let mut page = Page::new(&work, self.entry, Some(terming));
        client.samples.add(now, client.now);
        let low = self.entry.clocks.low;
        let (charge, epsilon) = (terms.charge_time(), terms.epsilon());
        let believed = client
            .samples
            .believed(work.limit, low, charge, epsilon, client.sent);
        let believed = match bug {
            Some(Bug::OneClock | Bug::FreezeOnStep) => now,
            _ => believed,
        };
        let mut blocks = page.turn(asker, believed, Uuid::now_v7);
        for stated in page.stated(client.boot_id, client.sent) {
            self.state_use(stated, bug);
        }
        let charged = self.charged(page.entry.clocks.low);
        let read = match bug {
            Some(Bug::GrantWithoutGuard) => Charged::default(),
            Some(Bug::ReadBeforeLock) => self.charged_at(time.saturating_sub(20 * MILLI)),
            Some(Bug::RepeatableRead) => self.charged_at(client.begun(time)),
            _ => charged,
        };
        blocks.extend(page.decide(asker, read));
        if bug == Some(Bug::NoClaim) {
            page.entry.claim = None;
        }
        self.merge(&page, bug);
        self.entry = page.entry;
        let low = self.entry.clocks.low;
        self.blocks.retain(|_, block| block.charge_until > low);
        for mut block in blocks {
            if bug == Some(Bug::ChargeForWindowOnly) {
                block.charge_until = self.entry.clocks.high.after(terms.span.length());
            }
            if let (Some(Bug::ChargeOneDay), Span::Calendar(calendar)) = (bug, terms.span) {
                block.charge_until = calendar.end(self.entry.clocks.high);
            }
            self.insert(&block);
        }
        self.note_charged(time, bug);
        let free = page.lack().map(|lack| Free {
            need: self.frees(lack.units, lack.low),
            largest: self.frees(lack.units_of_largest, lack.low),
        });
        let free = free.unwrap_or_default();
        page.answer(free, client.sent, client.now)
    }

    pub(super) fn frees(&self, lacking: u64, low: Timestamp) -> Option<Timestamp> {
        let charged = self.blocks.values().filter(|b| b.charge_until > low);
        let mut ends: Vec<_> = charged.map(|b| (b.charge_until, b.units)).collect();
        ends.sort_unstable();
        let mut ended = 0;
        ends.into_iter().find_map(|(until, units)| {
            ended += units;
            (ended >= lacking).then_some(until)
        })
    }

    pub(super) fn insert(&mut self, block: &NewBlock) {
        let stored = Stored {
            units: block.units,
            charge_until: block.charge_until,
            open_until: block.open_until,
            closed: block.open_until.is_none(),
            ended: block.open_until.is_none(),
            grant_number: block.grant_number,
            settled: Vec::new(),
            epoch: 0,
            stated: block.units,
        };
        let known = self.blocks.insert(block.block_id, stored);
        assert!(known.is_none(), "a block id came twice");
    }
}
