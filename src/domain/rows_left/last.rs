//! The last word of the records on each row, and whether a row is what that says.

use std::collections::HashMap;

use uuid::Uuid;

use super::steps::Steps;
use super::{Overwritten, RowState, RowTable, RowsLeft};

/// What the records say of rows, the last of each: some hundred bytes a row, and 40 for each of its changes.
#[derive(Debug, Default)]
pub struct LastWords {
    words: HashMap<(RowTable, Uuid), Word>,
    steps: Steps,
    /// The newest record that says nothing of rows: an earlier release made that change, of whichever rows.
    mute: i64,
    /// The newest record that is known to have been removed.
    cut: i64,
    rev: i64,
    /// The chain that is being read, and the revision that it has come to.
    behind: Option<(Uuid, i64)>,
    disorders: u64,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    rev: i64,
    sequence: i64,
    state: Option<RowState>,
}

/// What the records say of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as its last change left it.
    AsLeft,
    /// No record says what it was like.
    Unknown,
    /// It is not as the last record of it says, and a later one may have been removed, or an earlier release have changed it since.
    Unsure,
    /// It is there, and not as the record of this number left it.
    Other(i64),
    /// It is there, and the record of this number removed it.
    Back(i64),
}

impl LastWords {
    /// The next record of a chain, which was proven to be what was written.
    pub fn take(&mut self, writer: Uuid, sequence: i64, rows: Option<&[u8]>) {
        let Some(left) = rows.and_then(RowsLeft::decode) else {
            self.mute = self.mute.max(sequence);
            return;
        };
        let rev = left.rev;
        let cut = left.cut.map_or(0, |cut| cut.sequence);
        self.cut = self.cut.max(cut);
        let is_behind = |(of, before)| of == writer && rev < before;
        self.disorders += u64::from(self.behind.is_some_and(is_behind));
        self.behind = Some((writer, rev));
        self.rev = self.rev.max(rev);
        self.steps.take(sequence, &left);
        for row in left.rows {
            let word = Word {
                rev,
                sequence,
                state: row.state,
            };
            let last = self.words.entry((row.table, row.uid)).or_insert(word);
            if (last.rev, last.sequence) < (rev, sequence) {
                *last = word;
            }
        }
    }

    /// The highest revision of a change on record.
    #[must_use]
    pub const fn rev(&self) -> i64 {
        self.rev
    }

    /// How often a chain has a change of a lower revision behind one of a higher: revisions were set back in between.
    #[must_use]
    pub const fn disorders(&self) -> u64 {
        self.disorders
    }

    /// The newest record behind which it is not known what changes did, of whichever rows.
    fn unknown_until(&self) -> i64 {
        self.mute.max(self.cut)
    }

    /// Rows that a change was made onto that were not what the change before had left, each with the last such change; it is asked once. None
    /// where it is not known which changes came last.
    pub fn overwritten(&mut self) -> HashMap<(RowTable, Uuid), Overwritten> {
        let (steps, until) = (std::mem::take(&mut self.steps), self.unknown_until());
        if self.disorders > 0 {
            return HashMap::new();
        }
        steps.overwritten(until)
    }

    /// Whether a row that is there is what it should be; each is asked of once.
    pub fn judge(&mut self, table: RowTable, uid: Uuid, state: RowState) -> Verdict {
        let Some(word) = self.words.remove(&(table, uid)) else {
            return Verdict::Unknown;
        };
        match word.state {
            Some(left) if left == state => Verdict::AsLeft,
            _ if self.unknown_until() > word.sequence => Verdict::Unsure,
            Some(_) => Verdict::Other(word.sequence),
            None => Verdict::Back(word.sequence),
        }
    }

    /// Rows that should be there, once all that are there were judged, each with the number of the record that left it; none where a change
    /// may have removed it that is not on record.
    pub fn missing(self) -> impl Iterator<Item = (RowTable, Uuid, Option<i64>)> {
        let unknown_until = self.unknown_until();
        let left = self.words.into_iter();
        left.filter(|(_, word)| word.state.is_some())
            .map(move |((table, uid), word)| {
                let sequence = Some(word.sequence).filter(|sequence| *sequence > unknown_until);
                (table, uid, sequence)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rows_left::{Cut, RowLeft};

    const UID: Uuid = Uuid::from_u128(7);

    fn state(byte: u8) -> RowState {
        RowState::of(&[byte; 32])
    }

    fn left(rev: i64, state: Option<RowState>) -> Vec<u8> {
        let table = RowTable::Tokens;
        let uid = UID;
        let found = None;
        let rows = vec![RowLeft {
            table,
            uid,
            state,
            found,
        }];
        let cut = None;
        RowsLeft { rev, rows, cut }.encode()
    }

    /// What a change left that removed records up to this one.
    fn cut(rev: i64, sequence: i64) -> Vec<u8> {
        let (rows, writer) = (Vec::new(), UID);
        let cut = Some(Cut { writer, sequence });
        RowsLeft { rev, rows, cut }.encode()
    }

    /// Records of these revisions, numbers and states, in chains of their own.
    fn words(records: &[(i64, i64, Option<RowState>)]) -> LastWords {
        let mut words = LastWords::default();
        for (writer, (rev, sequence, state)) in (1..).zip(records) {
            words.take(
                Uuid::from_u128(writer),
                *sequence,
                Some(&left(*rev, *state)),
            );
        }
        words
    }

    #[test]
    fn the_last_change_counts_in_whichever_order_chains_are_read() {
        let (old, new) = ((3, 30, Some(state(1))), (4, 40, Some(state(2))));
        for records in [[old, new], [new, old]] {
            let judge = |row| words(&records).judge(RowTable::Tokens, UID, row);
            assert_eq!(judge(state(2)), Verdict::AsLeft);
            assert_eq!(judge(state(1)), Verdict::Other(40));
            assert_eq!(words(&records).rev(), 4);
        }
    }

    #[test]
    fn a_row_that_was_removed_is_back_and_one_that_was_not_is_missing() {
        let mut gone = words(&[(3, 30, Some(state(1))), (4, 40, None)]);
        assert_eq!(
            gone.judge(RowTable::Tokens, UID, state(1)),
            Verdict::Back(40)
        );
        assert_eq!(gone.missing().count(), 0);
        let missing: Vec<_> = words(&[(3, 30, Some(state(1)))]).missing().collect();
        assert_eq!(missing, [(RowTable::Tokens, UID, Some(30))]);
        assert_eq!(words(&[(4, 40, None)]).missing().count(), 0);
    }

    #[test]
    fn what_an_earlier_release_may_have_changed_since_is_not_judged() {
        for mute in [None, Some(&[2_u8, 0][..])] {
            let mut later = words(&[(3, 30, Some(state(1)))]);
            later.take(UID, 31, mute);
            let judge = |later: &mut LastWords, row| later.judge(RowTable::Tokens, UID, row);
            assert_eq!(judge(&mut later, state(2)), Verdict::Unsure);
            assert_eq!(judge(&mut later, state(2)), Verdict::Unknown);
            let mut earlier = words(&[(3, 30, Some(state(1)))]);
            earlier.take(UID, 29, mute);
            assert_eq!(judge(&mut earlier, state(2)), Verdict::Other(30));
            let mut gone = words(&[(3, 30, Some(state(1)))]);
            gone.take(UID, 31, mute);
            assert_eq!(gone.missing().next(), Some((RowTable::Tokens, UID, None)));
        }
    }

    #[test]
    fn what_a_record_that_was_removed_may_have_changed_since_is_not_judged() {
        for (removed, wanted) in [(40, Verdict::Unsure), (20, Verdict::Other(30))] {
            let pruned = || {
                let mut words = words(&[(3, 30, Some(state(1)))]);
                words.take(UID, 50, Some(&cut(5, removed)));
                words
            };
            let judge = |row| pruned().judge(RowTable::Tokens, UID, row);
            assert_eq!(judge(state(2)), wanted);
            assert_eq!(judge(state(1)), Verdict::AsLeft);
            let sequence = Some(30).filter(|sequence| *sequence > removed);
            let missing = (RowTable::Tokens, UID, sequence);
            assert_eq!(pruned().missing().next(), Some(missing));
        }
    }

    #[test]
    fn a_chain_whose_revisions_go_back_is_counted() {
        let mut words = LastWords::default();
        for (writer, rev) in [(1, 5), (1, 5), (1, 6), (2, 4), (2, 3), (2, 4)] {
            let writer = Uuid::from_u128(writer);
            words.take(writer, rev, Some(&left(rev, None)));
        }
        assert_eq!(words.disorders(), 1);
    }
}
