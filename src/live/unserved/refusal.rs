//! What a call that no key serves is told: counts, and names as text.

use super::{Told, Unserved};
use crate::domain::hindrance::Hindrance;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::Timestamp;
use crate::live::choose::judge::judge;
use crate::live::choose::{Now, Wish};
use crate::live::needing::pass_over;
use crate::live::refusing::Refusing;
use crate::live::snapshot::Candidate;
use crate::live::version::VersionLive;

impl Unserved {
    /// The limits that say no, by name, each with when it clears.
    pub(in crate::live) fn limit_hindrances(
        &self,
    ) -> impl Iterator<Item = (Hindrance, Option<Timestamp>)> + '_ {
        let limits = self.limits.iter();
        limits.map(|refusing| (refusing.hindrance(), refusing.clears))
    }

    /// The refusal: here, and only here, every key is counted and names become text.
    #[must_use]
    pub fn refusal(mut self, wish: &Wish<'_>, now: Now) -> LeaseRefusal {
        for skipped in std::mem::take(&mut self.skipped) {
            let keys = skipped.keys.iter().take(skipped.range.end);
            for candidate in keys.skip(skipped.range.start) {
                self.count(candidate, skipped.told, wish, now);
            }
        }
        self.counted(now.database)
    }

    /// The same, of keys that were all asked.
    pub(in crate::live) fn counted(self, now: Timestamp) -> LeaseRefusal {
        let limits = self.limits.iter().map(Refusing::hindrance);
        let firsts = self.firsts.iter();
        let others = firsts.filter_map(|first| first.hindrance(now));
        let hindrances = limits.chain(others).collect();
        LeaseRefusal::NoKey(self.tally, hindrances)
    }

    fn count(&mut self, candidate: &Candidate, told: Told, wish: &Wish<'_>, now: Now) {
        let ask = |version: &VersionLive| version.look(wish.applicant, now);
        match judge(candidate, wish, now, ask) {
            Ok(_) => self.tally.add(told.refusal, told.retry),
            Err(over) => drop(pass_over(candidate, wish, now, over, self)),
        }
    }
}
