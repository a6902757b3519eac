//! What a pool's flags choose from.

use clap::ValueEnum;

use crate::proto::{JournalMode, SelectionStrategy, VerdictPolicy};

/// How a key of a tier is chosen.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Strategy {
    /// Each key in turn
    RoundRobin,
    /// In proportion to weights
    Weighted,
    /// The key given the fewest leases over the last minute
    LeastUsed,
}

/// What one caller's word that a key is no good is worth.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Verdicts {
    /// A short quarantine, in which a probe, another caller or a canary confirms it
    Confirm,
    /// Death
    Trust,
}

/// How closely leases are recorded.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Journal {
    /// Not at all
    Off,
    /// Counted by minute, key and caller
    Rollup,
    /// A record for each lease, written soon after
    Full,
    /// A record for each lease, committed before its secret leaves
    Strict,
}

impl From<Journal> for JournalMode {
    fn from(journal: Journal) -> Self {
        match journal {
            Journal::Off => Self::Off,
            Journal::Rollup => Self::Rollup,
            Journal::Full => Self::Full,
            Journal::Strict => Self::Strict,
        }
    }
}

impl From<Verdicts> for VerdictPolicy {
    fn from(verdicts: Verdicts) -> Self {
        match verdicts {
            Verdicts::Confirm => Self::Confirm,
            Verdicts::Trust => Self::Trust,
        }
    }
}

impl From<Strategy> for SelectionStrategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::RoundRobin => Self::RoundRobin,
            Strategy::Weighted => Self::Weighted,
            Strategy::LeastUsed => Self::LeastUsed,
        }
    }
}
