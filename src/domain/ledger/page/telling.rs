//! What is told where too little can be granted: what lacks, and when to try again.

use super::{Free, Lack, Page, Terming};
use crate::domain::ledger::grant::Urgency;
use crate::domain::ledger::held_back::HeldBack;
use crate::domain::ledger::merging;
use crate::domain::ledger::told::Told;
use crate::domain::ledger::wait::{ASK_AGAIN_MIN, wait};
use crate::domain::ledger::work::{Answer, Wait};
use crate::domain::time::{BootTime, Timestamp};

impl Page<'_> {
    /// Fifth, when all is written: what it lacks for a need that was not met.
    #[must_use]
    pub fn lack(&self) -> Option<Lack> {
        let (now, asked) = (self.terming?, self.work.ask?);
        // More than N is charged where it was lowered, or more was used than estimated.
        let lacking = |need: u64| {
            let all = self.charged_in_all().saturating_add(need);
            all.saturating_sub(self.amount(&now)).max(1)
        };
        let has_room = asked.ask.only_looks && self.fits(asked.ask.largest, &now);
        (self.granted == 0 && !has_room).then(|| Lack {
            limit_uid: self.work.limit,
            units: lacking(asked.ask.need),
            units_of_largest: lacking(asked.ask.largest),
            low: self.entry.clocks.low,
        })
    }

    /// Sixth: what a call that is refused is told is noted, so that nobody takes it who lacks nothing.
    pub fn tell(&mut self, free: Free) {
        let (Some(now), Some(asked)) = (self.terming, self.work.ask) else {
            return;
        };
        let (ask, epoch) = (asked.ask, BootTime::default());
        let is_told = match ask.urgency {
            Urgency::Lacking => true,
            // By its replica, from memory: the next that comes.
            Urgency::Gone => !self.fits(ask.need, &now),
            // Whoever waits in line has its claim.
            Urgency::Ahead | Urgency::Awaited => false,
        };
        if self.granted > 0 || !is_told || ask.only_looks {
            return;
        }
        let wait = self.wait(&now, free.need, ask.need, epoch);
        let told = Told {
            units: ask.need,
            at: now.now.after(wait.clears_at.since(epoch)),
        };
        self.entry.tell(told, now.now, &now.terms);
    }

    /// Last: the answer to the ask. `free` is when what it lacks will be free; `now` is the replica's clock.
    #[must_use]
    pub fn answer(&self, free: Free, sent: BootTime, now: BootTime) -> Option<Answer> {
        let (terming, asked) = (self.terming?, self.work.ask?);
        let (of_need, of_largest) = match self.granted {
            0 => (
                self.wait(&terming, free.need, asked.ask.need, now),
                self.wait(&terming, free.largest, asked.ask.largest, now),
            ),
            _ => (Wait::default(), Wait::default()),
        };
        let is_refused = self.granted == 0 && !of_need.is_frozen;
        let is_held_back = self.held_back(asked.ask.need, &terming).is_some();
        Some(Answer {
            block: asked.block,
            units: self.granted,
            within: self.within,
            unasked_over: self.unasked_over,
            sent,
            terms: terming.terms,
            last: self.entry.last(),
            wait: of_need,
            largest_clears_at: of_largest.clears_at,
            is_kept: is_refused && !is_held_back && self.fits(asked.ask.need, &terming),
            is_raised: self.entry.lately.is_raised_now(),
        })
    }

    /// When to try again for a need, if what it lacks is free then. Where only another's claim is in the way, or that it may be lost, no
    /// charge has to end.
    fn wait(&self, on: &Terming, free: Option<Timestamp>, need: u64, now: BootTime) -> Wait {
        let free = free.map(|free| merging::free_by(free, &on.terms, self.charged));
        let next_close = self.charged.next_close;
        let claim = self.entry.claim.filter(|_| self.fits(need, on));
        let claimed = claim.map(|claim| now.after(claim.until.since(on.now).max(ASK_AGAIN_MIN)));
        let held_back = self.held_back(need, on);
        let clear = held_back.map(|held| now.after(held.clear));
        wait(&self.entry, &on.terms, free, next_close, on.now, now)
            .clear_by(claimed.max(clear))
            .not_before(held_back.map(|held| now.after(held.ask)))
            .not_clear_before(clear)
    }

    /// For how long a need is held back, as it could be lost. A limit that is frozen is so for whatever is needed, and first.
    fn held_back(&self, need: u64, on: &Terming) -> Option<HeldBack> {
        let bounds = self.bounds.as_ref()?;
        let is_first = self.fits(need, on) && self.entry.frozen(&on.terms).is_none();
        let held_back = is_first.then(|| self.entry.holds_back(need, bounds));
        held_back?
    }

    pub(super) fn charged_in_all(&self) -> u64 {
        self.charged.units.saturating_add(self.charged_anew)
    }

    /// Whether there is room for it beside what is charged.
    fn fits(&self, need: u64, now: &Terming) -> bool {
        self.charged_in_all().saturating_add(need) <= self.amount(now)
    }
}
