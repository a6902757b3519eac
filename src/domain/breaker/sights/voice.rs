//! Who says something of a provider: each caller that has used it enough, and all the others together.

use super::slot::{Slot, recent};
use super::{Timestamp, Witness};

/// A caller with fewer uses says nothing by itself: all of those speak together, and have a vote for so many uses.
const VOTE_MIN: u32 = 3;

/// What one or several callers say.
#[derive(Debug)]
pub(super) struct Voice<'a> {
    /// Never more than there are callers.
    pub(super) votes: usize,
    pub(super) callers: usize,
    pub(super) saw: Slot,
    /// Who accuses the provider, where what they saw is that it fails.
    pub(super) accusers: Vec<&'a Witness>,
}

/// All that is said now.
pub(super) fn voices(witnesses: &[Witness], now: Timestamp) -> Vec<Voice<'_>> {
    let saw = witnesses.iter().map(|w| (w, recent(&[&w.window], now)));
    let saw = saw.filter(|(_, saw)| saw.uses > 0);
    let (able, few): (Vec<_>, Vec<_>) = saw.partition(|(_, saw)| saw.uses >= VOTE_MIN);
    let mut voices: Vec<Voice<'_>> = able
        .into_iter()
        .map(|(witness, saw)| Voice {
            votes: 1,
            callers: 1,
            saw,
            accusers: vec![witness],
        })
        .collect();
    let few: Vec<&Witness> = few.into_iter().map(|(witness, _)| witness).collect();
    voices.extend(together(&few, now));
    voices
}

/// As if they were one caller, but for how much that counts.
fn together<'a>(few: &[&'a Witness], now: Timestamp) -> Option<Voice<'a>> {
    let windows: Vec<_> = few.iter().map(|witness| &witness.window).collect();
    let saw = recent(&windows, now);
    let votes = usize::try_from(saw.uses / VOTE_MIN).unwrap_or(usize::MAX);
    let accusers = few.iter().copied().filter(|witness| !witness.is_well);
    (votes > 0).then(|| Voice {
        votes: votes.min(few.len()),
        callers: few.len(),
        saw,
        accusers: accusers.collect(),
    })
}
