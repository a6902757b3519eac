//! What all limits of an account together offer for a need: what a lease takes, and what an explanation only looks at.

use std::time::Duration;

use super::{Budget, Need, START_WITHIN_UNLIMITED, Take, counts, units};
use crate::domain::ledger::held::{Held, Offer, Within};
use crate::domain::ledger::work::Wait;
use crate::domain::limit::Mode;
use crate::domain::time::BootTime;

/// What the limits that apply have for a need.
#[derive(Debug)]
pub(super) struct Offered {
    uses: u64,
    within: Within,
    /// Limits that have too little.
    pub(super) lacking: Vec<Lacking>,
    /// When those do not any more, others that have enough now may be put off until then.
    put_off: Option<BootTime>,
}

/// A limit that has too little for a need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lacking {
    /// Its place among the limits.
    pub(super) index: usize,
    /// What one use needs of it.
    pub(super) units: u64,
    /// When it is worth another try.
    pub(super) wait: Wait,
}

impl Offered {
    /// How many uses there are, and for how long.
    ///
    /// # Errors
    /// When some limit has too little.
    pub(super) fn whole(self, now: BootTime) -> Result<(u64, Within), Take> {
        let waits = || self.lacking.iter().map(|lacking| lacking.wait);
        let Some(all) = waits().reduce(Wait::and) else {
            return Ok((self.uses, self.within));
        };
        let mut wait = all.not_clear_before(self.put_off);
        // What some say is not the whole answer: another may clear later than they do.
        if waits().any(|wait| wait.ask_at <= now) {
            wait.ask_at = BootTime::default();
        }
        Err(Take::Short(wait))
    }
}

impl Budget {
    /// How many uses every limit that applies has at hand, and for how long, and which have too little. Nothing is taken. Each limit
    /// that is asked is told to `asked`, with what one use needs of it.
    ///
    /// # Errors
    /// When no waiting would help.
    pub(super) fn offer(
        &mut self,
        need: Need<'_>,
        now: BootTime,
        mut asked: impl FnMut(&mut Held, u64),
    ) -> Result<Offered, Take> {
        if let Some(never) = self.never(need) {
            return Err(never);
        }
        let mut uses = need.uses;
        let mut all: Option<Within> = None;
        let mut lacking = Vec::new();
        for (index, held) in self.held.iter_mut().enumerate() {
            if !counts(held.limit(), need) {
                continue;
            }
            let units = units(held.limit(), need);
            asked(held, units);
            if held.limit().mode == Mode::Shadow {
                continue;
            }
            match held.offer_any(units, uses, need.ticket, need.slot, now) {
                Offer::Uses(offered, within) | Offer::Offline(offered, within) => {
                    uses = uses.min(offered);
                    all = Some(all.map_or(within, |other| within.and(other)));
                }
                Offer::None(wait) => lacking.push(Lacking { index, units, wait }),
            }
        }
        let start = all.map_or(START_WITHIN_UNLIMITED, |all| all.start);
        let report = all.map_or(Duration::MAX, |all| all.report);
        let report = report.min(need.lease_duration);
        Ok(Offered {
            uses,
            within: Within { start, report },
            put_off: self.put_off_by(need, &lacking),
            lacking,
        })
    }

    fn put_off_by(&self, need: Need<'_>, lacking: &[Lacking]) -> Option<BootTime> {
        let clears_at = lacking.iter().map(|l| l.wait.clears_at).max()?;
        let is_lacking = |index: usize| lacking.iter().any(|lacking| lacking.index == index);
        let others = self.held.iter().enumerate().filter(|(index, held)| {
            let limit = held.limit();
            limit.mode == Mode::Enforce && counts(limit, need) && !is_lacking(*index)
        });
        let put_off =
            others.filter_map(|(_, held)| held.puts_off(units(held.limit(), need), clears_at));
        put_off.max()
    }

    /// What [`Budget::take`] would refuse a need with; `None` if it would take. Nothing is taken, and nothing is counted.
    pub fn would_refuse(&mut self, need: Need<'_>, now: BootTime) -> Option<Take> {
        let offered = self.offer(need, now, |_, _| {});
        offered.and_then(|offered| offered.whole(now)).err()
    }
}
