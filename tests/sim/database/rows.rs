//! One limit, and its blocks.

use super::*;

/// What the bug that freezes takes for a step.
const STEP: std::time::Duration = std::time::Duration::from_secs(1);

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
        let work = self.mislead(work.clone(), client, now, bug);
        let terms = self.limit.terms();
        let terming = self.terming(now);
        let mut page = Page::new(&work, self.entry, Some(terming));
        client.samples.add(now, client.now, client.now);
        let believed = match bug {
            Some(Bug::OneClock | Bug::FreezeOnStep) => Believed::exactly(now),
            _ => client.believed(&page, bug),
        };
        let mut blocks = page.turn(asker, believed, Uuid::now_v7);
        for stated in page.stated(client.boot_id, client.sent) {
            self.state_use(stated, bug);
        }
        let charged = self.charged(page.entry.clocks.low);
        let read = match bug {
            Some(Bug::GrantWithoutGuard) => Charged::default(),
            Some(Bug::ReadBeforeLock) => self.charged_at(time.saturating_sub(20 * MILLI)),
            Some(Bug::RepeatableRead) => self.charged_at(time.saturating_sub(client.took())),
            _ => charged,
        };
        blocks.extend(page.decide(asker, read));
        if bug == Some(Bug::NoClaim) {
            page.entry.claim = None;
        }
        self.merge(&page, bug);
        self.entry = page.entry;
        let low = self.entry.clocks.low;
        self.forget(low, time, bug);
        for mut block in blocks {
            if bug == Some(Bug::ChargeForWindowOnly) {
                block.charge_until = self.entry.clocks.high.after(terms.span.length());
            }
            if let (Some(Bug::ChargeOneDay), Span::Calendar(calendar)) = (bug, terms.span) {
                block.charge_until = calendar.end(self.entry.clocks.high);
            }
            self.insert(&block);
            self.bind(&block, &terms, time.saturating_sub(client.took()));
        }
        self.note_charged(time, bug);
        let free = page.lack().map(|lack| Free {
            need: self.frees(lack.units, lack.low),
            largest: self.frees(lack.units_of_largest, lack.low),
        });
        let free = free.unwrap_or_default();
        page.answer(free, client.sent, client.now)
    }

    /// It counts over another span than `before` from now on.
    pub(super) fn outlast(&mut self, before: Span, now: Timestamp, bug: Option<Bug>) {
        let terms = self.limit.terms();
        if !terms.span.may_outlast(before) {
            return;
        }
        let clocks = self.entry.clocks;
        let outlasting = match bug {
            Some(Bug::SpanByTermsOfToday) => {
                Outlasting::Until(terms.charge_until(clocks.high.max(now)))
            }
            _ => self.entry.outlast(before, &terms, now),
        };
        let charged = self.blocks.values_mut();
        for block in charged.filter(|block| block.charge_until > clocks.low) {
            block.charge_until = match outlasting {
                Outlasting::By(longer) => block.charge_until.after(longer),
                Outlasting::Until(end) => block.charge_until.max(end),
            };
        }
    }

    /// What goes wrong before anything is decided, by the bugs.
    fn mislead(
        &mut self,
        mut work: Work,
        client: &Client<'_>,
        now: Timestamp,
        bug: Option<Bug>,
    ) -> Work {
        self.may_forget_the_larger_share(bug);
        match bug {
            Some(Bug::NoFreeze) => work.seen = Seen::NONE,
            Some(Bug::SilentSweep) => work.most = Most::NONE,
            Some(Bug::LossAnsweredByEach) => work.seen.incarnation = self.entry.incarnation,
            Some(Bug::FreezeOnStep) if client.sees_step(now) => {
                let high = self.entry.clocks.high.max(now);
                let until = self.limit.terms().charge_until(high);
                self.entry.frozen_until = self.entry.frozen_until.max(Some(until));
            }
            _ => {}
        }
        work
    }

    /// What a new block stands for, if it was sent at this time: all of it may start D + L later, and counts for W.
    fn bind(&mut self, block: &NewBlock, terms: &Terms, sent: Time) {
        let Span::Rolling(window) = terms.span else {
            return;
        };
        if let (Some(stored), Some(_)) = (self.blocks.get_mut(&block.block_id), block.open_until) {
            stored.binds_until = sent + nanos(window + terms.validity + terms.start_within);
        }
    }

    /// Forgets blocks whose charge has ended. However the clocks are set, none ends before what it stands for.
    fn forget(&mut self, low: Timestamp, time: Time, bug: Option<Bug>) {
        self.blocks.retain(|id, block| {
            let is_charged = block.charge_until > low;
            let is_early = !is_charged && time < block.binds_until;
            self.early += u64::from(is_early);
            assert!(
                !is_early || bug.is_some(),
                "at {time} the charge of {id} has ended, which binds until {}",
                block.binds_until
            );
            is_charged
        });
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
            binds_until: 0,
        };
        // A charge whose answer was lost is said again.
        if stored.closed && self.blocks.contains_key(&block.block_id) {
            return;
        }
        let known = self.blocks.insert(block.block_id, stored);
        assert!(known.is_none(), "a block id came twice");
    }
}

impl Client<'_> {
    /// What the time can be for a limit.
    pub(super) fn believed(&mut self, page: &Page<'_>, bug: Option<Bug>) -> Believed {
        let (limit, low) = (page.work.limit, page.entry.clocks.low);
        let terms = page.terming().unwrap().terms;
        let reach = match bug {
            Some(Bug::ReachOfToday) => terms.charge_time(),
            Some(Bug::ReachOfCharge) => page.reach().saturating_sub(SAMPLE_GAP_MAX),
            _ => page.reach(),
        };
        let low = match bug {
            Some(Bug::SeedAtSending) => low.after(self.now.since(self.sent)),
            _ => low,
        };
        let samples = &mut self.samples;
        let least = match bug {
            Some(Bug::StampAsRead) => page.entry.clocks.high,
            _ => samples.least(),
        };
        let most = samples.believed(limit, low, reach, terms.lead(), self.sent);
        Believed { least, most }
    }

    /// Whether the database's clock is not where it should be by what this replica has seen of it. One that is new has seen nothing.
    fn sees_step(&self, now: Timestamp) -> bool {
        let expected = self.samples.database_time(self.now);
        expected.is_some_and(|at| at.after(STEP) < now || now.after(STEP) < at)
    }

    /// How long the transaction has been on its way.
    fn took(&self) -> Time {
        nanos(self.now.since(self.sent))
    }
}
