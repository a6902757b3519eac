//! How much is measured.

use clap::ValueEnum;

/// Everything, or just enough to see that the driver works on this machine: then the figures say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Extent {
    /// For figures.
    Full,
    /// For the driver.
    Brief,
}

impl Extent {
    /// Pairs of measurements. Odd, so that one is in the middle.
    pub(crate) const fn rounds(self) -> usize {
        match self {
            Self::Full => 5,
            Self::Brief => 1,
        }
    }

    /// How long one measurement takes.
    pub(crate) const fn seconds(self) -> f64 {
        match self {
            Self::Full => 3.0,
            Self::Brief => 0.3,
        }
    }

    /// Calls of one measurement over many pools.
    pub(crate) const fn calls(self) -> usize {
        match self {
            Self::Full => 60_000,
            Self::Brief => 2_000,
        }
    }

    /// How long a rate is held.
    pub(crate) const fn held_seconds(self) -> u64 {
        match self {
            Self::Full => 10,
            Self::Brief => 3,
        }
    }
}
