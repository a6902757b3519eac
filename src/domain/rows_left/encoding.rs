//! What a change left of rows, as a column has it: see docs/formats.md.

use uuid::Uuid;

use super::{Cut, RowLeft, RowState, RowTable, RowsLeft, STATE_BYTES};

/// The version of the format.
const FORMAT: u8 = 1;
/// Bytes of a row: its table, its uid and its state.
const ROW_BYTES: usize = 1 + 16 + STATE_BYTES;
/// The state of a row that is gone.
const GONE: [u8; STATE_BYTES] = [0; STATE_BYTES];
/// Added to the number of a table: the state is what the change found.
const FOUND: u8 = 128;
/// In the place of a table: what stands there is a [`Cut`]. A release that does not know it leaves it out, as it does rows of such a table.
const CUT: u8 = 127;

impl RowsLeft {
    /// As it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.rev.to_be_bytes());
        for row in &self.rows {
            let number = row.table.number();
            entry(
                &mut bytes,
                number,
                row.uid,
                row.state.map_or(GONE, |state| state.0),
            );
            if let Some(found) = row.found {
                entry(&mut bytes, number | FOUND, row.uid, found.0);
            }
        }
        if let Some(cut) = self.cut {
            let sequence = RowState::of(&cut.sequence.to_be_bytes());
            entry(&mut bytes, CUT, cut.writer, sequence.0);
        }
        bytes
    }

    /// From what is stored; `None` where a newer release wrote it. Rows of tables that this release does not know are left out.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (rev, rest) = bytes.strip_prefix(&[FORMAT])?.split_first_chunk::<8>()?;
        let (entries, rest) = rest.as_chunks::<ROW_BYTES>();
        if !rest.is_empty() {
            return None;
        }
        let mut rows: Vec<RowLeft> = Vec::with_capacity(entries.len());
        for bytes in entries {
            // What was found of a row comes behind what was left of it.
            let last = rows.last_mut();
            match (row(bytes), found(bytes).zip(last)) {
                (Some(row), _) => rows.push(row),
                (None, Some(((table, uid, state), last)))
                    if (last.table, last.uid) == (table, uid) =>
                {
                    last.found = Some(state);
                }
                (None, _) => {}
            }
        }
        Some(Self {
            rev: i64::from_be_bytes(*rev),
            rows,
            cut: entries.iter().find_map(cut),
        })
    }
}

fn entry(bytes: &mut Vec<u8>, number: u8, uid: Uuid, state: [u8; STATE_BYTES]) {
    bytes.push(number);
    bytes.extend_from_slice(uid.as_bytes());
    bytes.extend_from_slice(&state);
}

/// What was found of which row.
fn found(bytes: &[u8; ROW_BYTES]) -> Option<(RowTable, Uuid, RowState)> {
    let (number, rest) = bytes.split_first()?;
    let (uid, state) = rest.split_first_chunk::<16>()?;
    let table = RowTable::of_number(number.checked_sub(FOUND)?)?;
    Some((table, Uuid::from_bytes(*uid), RowState::of(state)))
}

fn cut(bytes: &[u8; ROW_BYTES]) -> Option<Cut> {
    let (uid, state) = bytes.strip_prefix(&[CUT])?.split_first_chunk::<16>()?;
    let (sequence, _) = state.split_first_chunk::<8>()?;
    Some(Cut {
        writer: Uuid::from_bytes(*uid),
        sequence: i64::from_be_bytes(*sequence),
    })
}

fn row(bytes: &[u8; ROW_BYTES]) -> Option<RowLeft> {
    let (number, rest) = bytes.split_first()?;
    let (uid, state) = rest.split_first_chunk::<16>()?;
    Some(RowLeft {
        table: RowTable::of_number(*number)?,
        uid: Uuid::from_bytes(*uid),
        state: (*state != GONE).then(|| RowState::of(state)),
        found: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_the_way_to_a_column_and_back_and_unknown_ones_are_left_out() {
        let row = |table, state: Option<&[u8]>| RowLeft {
            table,
            uid: Uuid::from_u128(7),
            state: state.map(RowState::of),
            found: Some(RowState::of(b"pending")).filter(|_| table == RowTable::Versions),
        };
        let left = RowsLeft {
            rev: 1 << 40,
            rows: vec![
                row(RowTable::Versions, Some(b"current")),
                row(RowTable::Tokens, None),
                row(RowTable::Rotators, Some(&[9; 32])),
            ],
            cut: Some(Cut {
                writer: Uuid::from_u128(8),
                sequence: 1 << 33,
            }),
        };
        let bytes = left.encode();
        assert_eq!(bytes.len(), 9 + 5 * ROW_BYTES);
        assert_eq!(RowsLeft::decode(&bytes), Some(left.clone()));
        let mut newer = bytes.clone();
        newer[9] = 200;
        assert_eq!(RowsLeft::decode(&newer).unwrap().rows, left.rows[1..]);
        newer[0] = FORMAT + 1;
        assert_eq!(RowsLeft::decode(&newer), None);
        assert_eq!(RowsLeft::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(RowsLeft::decode(&[]), None);
    }
}
