//! What all limits of an account together offer for a need: what a lease takes, and what an explanation only looks at.

use std::time::Duration;

use super::{Budget, Need, START_WITHIN_UNLIMITED, Take, counts, units};
use crate::domain::ledger::held::{Held, Offer, Within};
use crate::domain::ledger::work::Wait;
use crate::domain::limit::Mode;
use crate::domain::time::BootTime;

impl Budget {
    /// How many uses every limit that applies has at hand, and for how long; or why there are none. Nothing is taken. Each limit that
    /// is asked is told to `asked`, and each that has too little to `short`, with what one use needs of it.
    pub(super) fn offer(
        &mut self,
        need: Need<'_>,
        now: BootTime,
        mut asked: impl FnMut(&mut Held, u64),
        mut short: impl FnMut(&mut Held, u64),
    ) -> Result<(u64, Within), Take> {
        if let Some(never) = self.never(need) {
            return Err(never);
        }
        let mut uses = need.uses;
        let mut all: Option<Within> = None;
        let mut lacking: Option<Wait> = None;
        for held in self.held.iter_mut().filter(|h| counts(h.limit(), need)) {
            let units = units(held.limit(), need);
            asked(held, units);
            if held.limit().mode == Mode::Shadow {
                continue;
            }
            match held.offer_any(units, uses, need.ticket, need.slot, now) {
                Offer::Uses(offered, within) | Offer::Offline(offered, within) => {
                    // Those behind need not wait for what it lacks elsewhere.
                    need.ticket.iter().for_each(|ticket| held.leave(*ticket));
                    uses = uses.min(offered);
                    all = Some(all.map_or(within, |other| within.and(other)));
                }
                Offer::None(wait) => {
                    short(held, units);
                    lacking = Some(lacking.map_or(wait, |other| wait.and(other)));
                }
            }
        }
        if let Some(wait) = lacking {
            return Err(Take::Short(wait));
        }
        let start = all.map_or(START_WITHIN_UNLIMITED, |all| all.start);
        let report = all.map_or(Duration::MAX, |all| all.report);
        let report = report.min(need.lease_duration);
        Ok((uses, Within { start, report }))
    }

    /// What [`Budget::take`] would refuse a need with; `None` if it would take. Nothing is taken, and nothing is counted.
    pub fn would_refuse(&mut self, need: Need<'_>, now: BootTime) -> Option<Take> {
        self.offer(need, now, |_, _| {}, |_, _| {}).err()
    }
}
