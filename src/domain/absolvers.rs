//! Callers who found well what others had accused: whether what they say is borne out, or who they absolve is accused again at once.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use super::accusers::Matter;
use super::bounded::make_room;
use super::time::Timestamp;

/// A third caller's word so soon after says that what was found well was not.
const CONTRADICTED_WITHIN: Duration = Duration::from_mins(5);
/// How long somebody who was contradicted proves nobody wrong.
const REMEMBERED: Duration = Duration::from_hours(1);
/// The most that is remembered of each; then the oldest makes room.
const REMEMBERED_MAX: usize = 1_024;

/// That somebody has found well what another had accused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absolution {
    /// A version, or an account.
    pub subject: Uuid,
    /// Of what it was accused.
    pub matter: Matter,
    /// Who has found it well.
    pub by: Uuid,
    /// Whose word is refuted by that.
    pub accuser: Uuid,
}

/// What was found well lately, and by whom it was in vain.
#[derive(Debug, Default)]
pub struct Absolvers {
    recent: VecDeque<(Absolution, Timestamp)>,
    contradicted: HashMap<Uuid, Timestamp>,
}

impl Absolvers {
    /// Somebody has found it well. Answers whether that says anything of the accuser.
    pub fn absolved(&mut self, absolution: Absolution, now: Timestamp) -> bool {
        let last = self.contradicted.get(&absolution.by);
        if last.is_some_and(|last| now.since(*last) < REMEMBERED) {
            return false;
        }
        self.forget(now);
        if self.recent.len() >= REMEMBERED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((absolution, now));
        true
    }

    /// Somebody accuses it: of those who found it well a moment ago, and of those whose word was refuted by that, none is right. Neither of
    /// the two speaks for itself. Answers whose words were refuted in vain.
    pub fn contradicted(
        &mut self,
        (subject, matter): (Uuid, Matter),
        by: Uuid,
        now: Timestamp,
    ) -> Vec<Uuid> {
        self.forget(now);
        let is_meant = |held: &Absolution| {
            let is_third = ![held.by, held.accuser].contains(&by);
            is_third && (held.subject, held.matter) == (subject, matter)
        };
        let (vain, recent): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.recent)
            .into_iter()
            .partition(|(held, _)| is_meant(held));
        self.recent = recent;
        for (held, _) in &vain {
            self.note(held.by, now);
        }
        vain.into_iter().map(|(held, _)| held.accuser).collect()
    }

    fn note(&mut self, absolver: Uuid, now: Timestamp) {
        make_room(&mut self.contradicted, &absolver, REMEMBERED_MAX, |at| *at);
        self.contradicted.insert(absolver, now);
    }

    fn forget(&mut self, now: Timestamp) {
        self.recent
            .retain(|(_, at)| now.since(*at) < CONTRADICTED_WITHIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    fn uid(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Caller 2 finds well what caller 1 accused.
    fn absolution(subject: u128) -> Absolution {
        Absolution {
            subject: uid(subject),
            matter: Matter::Key,
            by: uid(2),
            accuser: uid(1),
        }
    }

    #[test]
    fn who_absolves_what_a_third_accuses_again_proves_nobody_wrong_for_an_hour() {
        let mut absolvers = Absolvers::default();
        assert!(absolvers.absolved(absolution(9), at(0)));
        let mut says = |of, by, seconds| {
            let about = (uid(of), Matter::Key);
            absolvers.contradicted(about, uid(by), at(seconds))
        };
        // The accuser, and whoever contradicts, would only speak for themselves; nor is another subject meant.
        assert!(says(9, 1, 1).is_empty());
        assert!(says(9, 2, 1).is_empty());
        assert!(says(8, 3, 1).is_empty());
        assert_eq!(says(9, 3, 2), [uid(1)]);
        assert!(says(9, 3, 3).is_empty());
        assert!(!absolvers.absolved(absolution(7), at(3_601)));
        assert!(absolvers.absolved(absolution(7), at(3_602)));
    }

    #[test]
    fn what_is_accused_much_later_was_well_before() {
        let mut absolvers = Absolvers::default();
        absolvers.absolved(absolution(9), at(0));
        let about = (uid(9), Matter::Key);
        assert!(absolvers.contradicted(about, uid(3), at(300)).is_empty());
        assert!(absolvers.absolved(absolution(9), at(301)));
    }

    #[test]
    fn absolutions_without_end_fill_no_memory() {
        let mut absolvers = Absolvers::default();
        for number in 0..3_000 {
            let absolution = Absolution {
                by: uid(10_000 + number),
                ..absolution(number)
            };
            absolvers.absolved(absolution, at(0));
            absolvers.contradicted((uid(number), Matter::Key), uid(3), at(0));
        }
        assert!(absolvers.recent.len() <= REMEMBERED_MAX);
        assert_eq!(absolvers.contradicted.len(), REMEMBERED_MAX);
    }
}
