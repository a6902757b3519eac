//! What goes wrong before a transaction begins, by the bugs that are planted.

use std::time::Duration;

use keylease::domain::ledger::entry::Seen;
use keylease::domain::ledger::loss::Most;

use super::*;

/// What the bug that freezes takes for a step.
const STEP: Duration = Duration::from_secs(1);

impl Database {
    pub(super) fn misled(&mut self, works: &[Work], client: &Client<'_>, time: Time) -> Vec<Work> {
        let (now, bug) = (self.clock.at(time), self.bug);
        let mut works = works.to_vec();
        for work in &mut works {
            if let Some(row) = self.state.limits.get_mut(&work.limit) {
                row.mislead(work, client, now, bug);
            }
        }
        works
    }
}

impl Row {
    fn mislead(&mut self, work: &mut Work, client: &Client<'_>, now: Timestamp, bug: Option<Bug>) {
        match bug {
            Some(Bug::NoFreeze) => work.seen = Seen::NONE,
            Some(Bug::SilentSweep) => work.most = Most::NONE,
            Some(Bug::LossAnsweredByEach) => work.seen.incarnation = self.entry.incarnation,
            Some(Bug::ShareLoweredAtOnce) => self.forget_the_larger_share(),
            Some(Bug::FreezeOnStep) if client.sees_step(now) => {
                let high = self.entry.clocks.high.max(now);
                let until = self.limit.terms().charge_until(high);
                self.entry.frozen_until = self.entry.frozen_until.max(Some(until));
            }
            _ => {}
        }
    }
}

impl Client<'_> {
    /// Whether the database's clock is not where it should be by what this replica has seen of it. One that is new has seen nothing.
    fn sees_step(&self, now: Timestamp) -> bool {
        let expected = self.clock.at(self.now);
        self.clock.is_known() && (expected.after(STEP) < now || now.after(STEP) < expected)
    }
}
