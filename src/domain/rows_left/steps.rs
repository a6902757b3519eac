//! Whether each change found its rows as the change before it had left them: one that did not was made onto an older row, and counts since.

use std::collections::HashMap;

use uuid::Uuid;

use super::{RowState, RowTable, RowsLeft};

/// A row in one change: 40 bytes, for every change of every row on record.
#[derive(Debug, Clone, Copy)]
struct Step {
    row: u32,
    rev: i64,
    sequence: i64,
    /// The beginning of what was found; 0 where nothing is known of it.
    found: u64,
    /// The beginning of what was left; 0 where the row was removed.
    left: u64,
}

/// All changes of rows, in whichever order they are read.
#[derive(Debug, Default)]
pub(super) struct Steps {
    rows: HashMap<(RowTable, Uuid), u32>,
    steps: Vec<Step>,
}

/// A change that was made onto another row than the one that should have been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overwritten {
    /// The number of the record that says what should have been there.
    pub left: i64,
    /// The number of the record of that change.
    pub by: i64,
    /// Nobody has changed the row since.
    pub is_last: bool,
}

impl Steps {
    /// A record, and what it says.
    pub(super) fn take(&mut self, sequence: i64, said: &RowsLeft) {
        for row in &said.rows {
            let next = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            let number = *self.rows.entry((row.table, row.uid)).or_insert(next);
            self.steps.push(Step {
                row: number,
                rev: said.rev,
                sequence,
                found: row.found.map_or(0, beginning),
                left: row.state.map_or(0, beginning),
            });
        }
    }

    /// The last such change of each row that has one. Behind a record of which it is not known what others did since, nothing is.
    pub(super) fn overwritten(
        mut self,
        unknown_until: i64,
    ) -> HashMap<(RowTable, Uuid), Overwritten> {
        self.steps
            .sort_unstable_by_key(|step| (step.row, step.rev, step.sequence));
        let mut by_number: HashMap<u32, Overwritten> = HashMap::new();
        for pair in self.steps.windows(2) {
            let [before, step] = pair else { continue };
            if before.row != step.row {
                continue;
            }
            if let Some(earlier) = by_number.get_mut(&step.row) {
                earlier.is_last = false;
            }
            let is_known = step.found != 0 && before.sequence >= unknown_until;
            if is_known && step.found != before.left {
                let overwritten = Overwritten {
                    left: before.sequence,
                    by: step.sequence,
                    is_last: true,
                };
                by_number.insert(step.row, overwritten);
            }
        }
        let rows = self.rows.into_iter();
        rows.filter_map(|(row, number)| Some((row, by_number.remove(&number)?)))
            .collect()
    }
}

fn beginning(state: RowState) -> u64 {
    let (beginning, _) = state.0.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    u64::from_be_bytes(*beginning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rows_left::RowLeft;

    const ROW: (RowTable, Uuid) = (RowTable::Accounts, Uuid::from_u128(7));

    /// Changes of one row by their revisions: what each found and left; 0 is nothing.
    fn steps(changes: &[(i64, u8, u8)]) -> Steps {
        let state = |byte: u8| (byte > 0).then(|| RowState::of(&[byte; 16]));
        let mut steps = Steps::default();
        for (rev, found, left) in changes {
            let row = RowLeft {
                table: ROW.0,
                uid: ROW.1,
                state: state(*left),
                found: state(*found),
            };
            let (rev, rows, cut) = (*rev, vec![row], None);
            steps.take(rev * 10, &RowsLeft { rev, rows, cut });
        }
        steps
    }

    fn overwritten(changes: &[(i64, u8, u8)], unknown_until: i64) -> Option<Overwritten> {
        steps(changes).overwritten(unknown_until).remove(&ROW)
    }

    #[test]
    fn a_change_onto_an_older_row_is_found_in_whichever_order_records_are_read() {
        let (made, changed, onto) = ((1, 0, 1), (2, 1, 2), (3, 1, 3));
        let wanted = Overwritten {
            left: 20,
            by: 30,
            is_last: true,
        };
        for changes in [[made, changed, onto], [onto, made, changed]] {
            assert_eq!(overwritten(&changes, 0), Some(wanted));
        }
        assert_eq!(overwritten(&[made, changed, (3, 2, 3)], 0), None);
        // What is changed once more is what somebody wants.
        let again = overwritten(&[made, changed, onto, (4, 3, 4)], 0);
        assert_eq!(again.map(|overwritten| overwritten.is_last), Some(false));
        // A row that was removed and put back, and then changed.
        assert!(overwritten(&[made, (2, 0, 0), onto], 0).is_some());
    }

    #[test]
    fn nothing_is_said_where_records_are_missing_or_do_not_say_what_was_found() {
        let (changed, onto) = ((2, 1, 2), (3, 1, 3));
        assert_eq!(overwritten(&[onto], 0), None);
        assert_eq!(overwritten(&[changed, onto], 21), None);
        assert_eq!(overwritten(&[changed, (3, 0, 3)], 0), None);
    }
}
