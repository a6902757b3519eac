//! What each caller saw at one provider lately: how often it failed, with how many keys, and how it went last.

mod slot;
mod voice;

use std::time::Duration;

use uuid::Uuid;

use self::slot::{Window, is_share};
use self::voice::voices;
use super::OPEN_MAX;
use crate::domain::incident::ACCUSERS_MAX;
use crate::domain::time::Timestamp;

/// What was seen longer ago says nothing about now.
pub const WINDOW_SECONDS: usize = 60;
/// The most callers of one provider that are remembered, 150 kB of them.
pub(super) const WITNESSES_MAX: usize = 256;
/// How long a success, if it was the last a caller saw, speaks against another caller who alone says that the provider fails.
const WITNESS_FOR: Duration = Duration::from_mins(2);
/// The same against several callers: were it longer, one who is idle would keep a provider that is down from being shut for as long.
const WITNESS_AGAINST_SEVERAL_FOR: Duration = Duration::from_secs(30);
/// Failures that all who speak must have seen together: a handful is no outage.
const FAILURES_MIN: u32 = 10;
/// Keys that must fail where a caller is alone, or several keys are used: what one key alone meets may be that key's.
const KEYS_MIN: usize = 2;
/// A delay of this and more, which two callers were told, needs no more failures than make their words.
const LONG: Duration = Duration::from_secs(30);
/// However long a delay two callers state, a trial is made as often: a lease an hour can be spent on finding out that both are wrong.
const TRIED_AFTER: Duration = Duration::from_hours(1);

/// One use, as it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Who saw it.
    pub caller: Uuid,
    /// The version that was used.
    pub version: Uuid,
    /// When its lease was given.
    pub given: Timestamp,
}

/// What the callers of a provider saw lately, of at most [`WITNESSES_MAX`] callers: who was heard of longest ago makes room.
#[derive(Debug, Default)]
pub(super) struct Sights(Vec<Witness>);

/// The word of those who say that a provider fails.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accusation {
    pub(super) accusers: Vec<Uuid>,
    /// How many callers the uses are of.
    pub(super) callers: usize,
    pub(super) failures: u32,
    pub(super) uses: u32,
    /// Not before this, by what they were told.
    pub(super) stated: Option<Timestamp>,
}

#[derive(Debug)]
struct Witness {
    caller: Uuid,
    window: Window,
    /// The last two versions that failed, each with when.
    failing: [Option<(Uuid, Timestamp)>; KEYS_MIN],
    is_well: bool,
    seen: Timestamp,
    stated: Option<Timestamp>,
}

impl Sights {
    pub(super) fn succeeded(&mut self, sight: Sight, now: Timestamp) {
        let witness = self.witness(sight.caller, now);
        witness.window.slot(now).uses += 1;
        witness.is_well = true;
    }

    pub(super) fn failed(&mut self, sight: Sight, stated: Option<Timestamp>, now: Timestamp) {
        let witness = self.witness(sight.caller, now);
        let slot = witness.window.slot(now);
        slot.uses += 1;
        slot.failures += 1;
        witness.is_well = false;
        witness.stated = stated;
        if witness.failing[0].is_none_or(|(version, _)| version != sight.version) {
            witness.failing[1] = witness.failing[0];
        }
        witness.failing[0] = Some((sight.version, now));
    }

    /// What was seen says nothing any more; how it went last is still known.
    pub(super) fn forget(&mut self) {
        for witness in &mut self.0 {
            witness.window = Window::default();
            witness.failing = Default::default();
            witness.stated = None;
        }
    }

    /// Whether another caller's last use went well, not long ago.
    pub(super) fn is_well_beside(&self, accusers: &[Uuid], now: Timestamp) -> bool {
        let others = self.0.iter().filter(|w| !accusers.contains(&w.caller));
        others
            .into_iter()
            .any(|w| w.is_well && now.since(w.seen) < WITNESS_FOR)
    }

    /// Whether those who do well are too many for these to be four of five of all who speak. The last success of somebody who is idle says
    /// less against several than against one.
    pub(super) fn outweigh(&self, accusers: &[Uuid], now: Timestamp) -> bool {
        let lately = match accusers {
            [_] => WITNESS_FOR,
            _ => WITNESS_AGAINST_SEVERAL_FOR,
        };
        let others = self.0.iter().filter(|w| !accusers.contains(&w.caller));
        let others = others.filter(|w| now.since(w.seen) < lately);
        // Of a crowd an incident names only some.
        let is_crowd = accusers.len() >= ACCUSERS_MAX;
        let (mut accusers, mut well) = (accusers.len(), 0);
        for witness in others {
            well += usize::from(witness.is_well);
            accusers += usize::from(is_crowd && !witness.is_well);
        }
        well > 0 && !is_share(accusers, accusers + well)
    }

    /// Until when it is to be left alone, by what those were told whose last use failed: as long as two of them say, or a while by the word
    /// of one.
    pub(super) fn stated(&self, now: Timestamp) -> Option<Timestamp> {
        let failing = self.0.iter().filter(|w| !w.is_well);
        let mut stated: Vec<_> = failing.filter_map(|w| w.stated).collect();
        stated.retain(|stated| *stated > now);
        stated.sort_unstable();
        match stated.as_slice() {
            [] => None,
            [alone] => Some((*alone).min(now.after(OPEN_MAX))),
            [.., agreed, _] => Some((*agreed).min(now.after(TRIED_AFTER))),
        }
    }

    /// The word of several callers, four of five of those who say anything; or of one, if no other speaks against it. Where several keys of
    /// the provider are in use, several must fail.
    pub(super) fn accusation(&self, are_several: bool, now: Timestamp) -> Option<Accusation> {
        let all = voices(&self.0, now);
        let failing = || all.iter().filter(|voice| voice.saw.is_failing());
        let accusers = || failing().flat_map(|voice| voice.accusers.iter().copied());
        let votes: usize = failing().map(|voice| voice.votes).sum();
        let accusation = Accusation {
            accusers: accusers().map(|w| w.caller).collect(),
            callers: failing().map(|voice| voice.callers).sum(),
            failures: failing().map(|voice| voice.saw.failures).sum(),
            uses: failing().map(|voice| voice.saw.uses).sum(),
            stated: self.stated(now),
        };
        let keys = keys(accusers().flat_map(|w| w.keys(now)));
        let are_most = is_share(votes, all.iter().map(|voice| voice.votes).sum());
        let is_word = match accusation.accusers.as_slice() {
            [] => false,
            [_] => keys >= KEYS_MIN && !self.is_well_beside(&accusation.accusers, now),
            [..] => keys >= KEYS_MIN || !are_several,
        };
        let is_long = accusation
            .stated
            .is_some_and(|stated| stated >= now.after(LONG));
        let are_enough = accusation.failures >= FAILURES_MIN || is_long && votes > 1;
        (are_most && is_word && are_enough).then_some(accusation)
    }

    fn witness(&mut self, caller: Uuid, now: Timestamp) -> &mut Witness {
        let known = self.0.iter().position(|w| w.caller == caller);
        let place = known.unwrap_or_else(|| {
            if self.0.len() >= WITNESSES_MAX {
                let oldest = (0..self.0.len()).min_by_key(|place| self.0[*place].seen);
                self.0.swap_remove(oldest.unwrap_or(0));
            }
            self.0.push(Witness::new(caller));
            self.0.len() - 1
        });
        let witness = &mut self.0[place];
        witness.seen = witness.seen.max(now);
        witness
    }

    #[cfg(test)]
    pub(super) const fn callers(&self) -> usize {
        self.0.len()
    }
}

impl Witness {
    fn new(caller: Uuid) -> Self {
        Self {
            caller,
            window: Window::default(),
            failing: Default::default(),
            is_well: false,
            seen: Timestamp::default(),
            stated: None,
        }
    }

    /// The keys that failed within the window, as far as two.
    fn keys(&self, now: Timestamp) -> impl Iterator<Item = Uuid> {
        let window = Duration::from_secs(WINDOW_SECONDS as u64);
        let failing = self.failing.iter().flatten();
        let lately = failing.filter(move |(_, at)| now.since(*at) < window);
        lately.map(|(version, _)| *version)
    }
}

/// How many different ones there are, as far as two.
fn keys(mut all: impl Iterator<Item = Uuid>) -> usize {
    let Some(first) = all.next() else { return 0 };
    1 + usize::from(all.any(|other| other != first))
}
