//! Units taken from a block for one lease.

/// The number of no block: of what is drawn offline the database knows nothing, what a shadow counts before it has a block is charged at
/// once, and reports settle neither.
const NO_BLOCK: u64 = u64::MAX;

/// Units taken from one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The block's number at its issuer.
    pub block: u64,
    /// Units per use.
    pub units: u64,
    /// Which lease of the block it is, from 0.
    pub ordinal: u64,
}

impl Draw {
    /// So many units per use, of no block.
    #[must_use]
    pub const fn of_no_block(units: u64) -> Self {
        Self {
            block: NO_BLOCK,
            units,
            ordinal: 0,
        }
    }

    /// The same, from a block that is not held here.
    #[must_use]
    pub const fn elsewhere(self) -> Self {
        Self {
            block: NO_BLOCK,
            ..self
        }
    }
}
