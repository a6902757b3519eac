//! What a change left of the rows that it wrote: kept with its audit record, so that an older row that is put back is not taken for the latest.

use uuid::Uuid;

mod encoding;
mod last;
mod steps;

pub use last::{LastWords, Verdict};
pub use steps::Overwritten;

const STATE_BYTES: usize = 16;

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
    /// As the change found it; none where there was none, or an earlier release made the change.
    pub found: Option<RowState>,
}

/// Records that a change removed from the audit: of the rows that any of them was about, none before the last may say the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Whose records they were.
    pub writer: Uuid,
    /// The number of the last.
    pub sequence: i64,
}

/// The rows of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsLeft {
    /// The revision that the change took, or found where it took none.
    pub rev: i64,
    /// What it wrote, each row once.
    pub rows: Vec<RowLeft>,
    /// The records that it removed, if any.
    pub cut: Option<Cut>,
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

    /// Its number in what is stored.
    fn number(self) -> u8 {
        let mut numbers = Self::ALL.into_iter().zip(1..);
        numbers
            .find(|(table, _)| *table == self)
            .map_or(0, |(_, number)| number)
    }

    /// The table of this number, if it is one of these.
    fn of_number(number: u8) -> Option<Self> {
        let place = usize::from(number).checked_sub(1)?;
        Self::ALL.get(place).copied()
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
