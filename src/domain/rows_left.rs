//! What a change left of the rows that it wrote: kept with its audit record, so that an older row that is put back is not taken for the latest.

use uuid::Uuid;

mod last;

pub use last::{LastWords, Verdict};

/// The version of the format.
const FORMAT: u8 = 1;
/// Bytes of a row: its table, its uid and its state.
const ROW_BYTES: usize = 1 + 16 + STATE_BYTES;
const STATE_BYTES: usize = 16;
/// The state of a row that is gone.
const GONE: [u8; STATE_BYTES] = [0; STATE_BYTES];

/// Tables whose rows are kept account of. Members and grants are one row here for all of a pool or a caller, under its uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowTable {
    /// `accounts`.
    Accounts,
    /// `keys`.
    Keys,
    /// `key_versions`, whose state is their stage.
    Versions,
    /// `pools`.
    Pools,
    /// `pool_members`.
    Members,
    /// `callers`.
    Callers,
    /// `grants`.
    Grants,
    /// `tokens`.
    Tokens,
    /// `rotators`, under the uid of their account.
    Rotators,
}

/// The state of a row that is there: the beginning of its MAC, or of what stands for that, filled up with zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowState([u8; STATE_BYTES]);

/// A row as a change left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLeft {
    /// Where.
    pub table: RowTable,
    /// Which.
    pub uid: Uuid,
    /// None where it is gone.
    pub state: Option<RowState>,
}

/// The rows of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsLeft {
    /// The revision that the change took, or found where it took none.
    pub rev: i64,
    /// What it wrote, each row once.
    pub rows: Vec<RowLeft>,
}

impl RowTable {
    /// All of them, in the order of their numbers in what is stored, from 1.
    const ALL: [Self; 9] = [
        Self::Accounts,
        Self::Keys,
        Self::Versions,
        Self::Pools,
        Self::Members,
        Self::Callers,
        Self::Grants,
        Self::Tokens,
        Self::Rotators,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Keys => "keys",
            Self::Versions => "key_versions",
            Self::Pools => "pools",
            Self::Members => "pool_members",
            Self::Callers => "callers",
            Self::Grants => "grants",
            Self::Tokens => "tokens",
            Self::Rotators => "rotators",
        }
    }

    /// The table of this name, if it is one of these.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.as_str() == name)
    }
}

impl RowState {
    /// What begins like this.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut state = [0; STATE_BYTES];
        for (to, from) in state.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(state)
    }
}

impl RowsLeft {
    /// As it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.rev.to_be_bytes());
        for row in &self.rows {
            let number = RowTable::ALL
                .iter()
                .zip(1..)
                .find(|(t, _)| **t == row.table);
            bytes.push(number.map_or(0, |(_, number)| number));
            bytes.extend_from_slice(row.uid.as_bytes());
            bytes.extend_from_slice(&row.state.map_or(GONE, |state| state.0));
        }
        bytes
    }

    /// From what is stored; `None` where a newer release wrote it. Rows of tables that this release does not know are left out.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (rev, rest) = bytes.strip_prefix(&[FORMAT])?.split_first_chunk::<8>()?;
        let (rows, rest) = rest.as_chunks::<ROW_BYTES>();
        rest.is_empty().then(|| Self {
            rev: i64::from_be_bytes(*rev),
            rows: rows.iter().filter_map(row).collect(),
        })
    }
}

fn row(bytes: &[u8; ROW_BYTES]) -> Option<RowLeft> {
    let (number, rest) = bytes.split_first()?;
    let (uid, state) = rest.split_first_chunk::<16>()?;
    let table = usize::from(*number).checked_sub(1)?;
    Some(RowLeft {
        table: *RowTable::ALL.get(table)?,
        uid: Uuid::from_bytes(*uid),
        state: (*state != GONE).then(|| RowState::of(state)),
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
        };
        let left = RowsLeft {
            rev: 1 << 40,
            rows: vec![
                row(RowTable::Versions, Some(b"current")),
                row(RowTable::Tokens, None),
                row(RowTable::Rotators, Some(&[9; 32])),
            ],
        };
        let bytes = left.encode();
        assert_eq!(bytes.len(), 9 + 3 * ROW_BYTES);
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
