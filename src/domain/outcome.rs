//! What a caller saw, once per use.

use super::classify::Observation;
use super::pool::Estimate;

/// The most uses of one lease.
pub const REQUESTS_MAX: u32 = 1_000;
/// The most entries in one report.
pub const OUTCOMES_MAX: usize = 100;

/// What some uses of a lease came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How many uses.
    pub count: u32,
    /// What was seen.
    pub observation: Observation,
    /// What was used, per use; as estimated unless set.
    pub usage: Option<Estimate>,
}
