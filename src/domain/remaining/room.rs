//! Places for what is said to be left: reports name what models they like, and memory has an end.

use super::Remainders;
use super::remainder::Remainder;
use crate::domain::cooling::{ACCOUNT_MODELS_MAX, CALLER_MODELS_MAX};
use crate::domain::time::Timestamp;

/// The most remainders of one account: as many as its models that cool down. What has ended makes room first, then what ends first.
pub(super) const REMAINDERS_MAX: usize = ACCOUNT_MODELS_MAX;

/// The most of them that are one caller's word, so that models which one makes up push out nobody's.
pub(super) const CALLER_REMAINDERS_MAX: usize = CALLER_MODELS_MAX;

impl Remainders {
    /// Keeps one more, unless its caller has as many as one may have.
    pub(super) fn keep(&mut self, place: &str, new: Remainder, now: Timestamp) {
        self.places.retain(|_, remainders| {
            remainders.retain(|remainder| remainder.is_in_force(now));
            !remainders.is_empty()
        });
        let all = || self.places.values().flatten();
        let own = all().filter(|other| other.is_by(new.word().caller));
        if own.count() >= CALLER_REMAINDERS_MAX {
            return;
        }
        if all().count() >= REMAINDERS_MAX {
            self.make_room();
        }
        let remainders = self.places.entry(place.to_owned()).or_default();
        remainders.push(new);
    }

    fn make_room(&mut self) {
        let ends = |remainders: &[Remainder]| remainders.iter().map(Remainder::until).min();
        let all = self.places.iter();
        let first = all.min_by_key(|(place, remainders)| (ends(remainders), *place));
        let Some((place, until)) = first.map(|(place, all)| (place.clone(), ends(all))) else {
            return;
        };
        self.retain(&place, |remainder| Some(remainder.until()) != until);
    }

    /// As many are kept, those that have ended among them.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.places.values().map(Vec::len).sum()
    }
}
