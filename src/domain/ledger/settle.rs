//! What a report says of the permits of its lease.

use uuid::Uuid;

use super::block::Draw;
use crate::domain::limit::Dimension;
use crate::domain::pool::Estimate;
use crate::domain::usage::Usage;

/// A lease whose report is settled.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// What was drawn for each use.
    pub draws: &'a [(Uuid, Draw)],
    /// The model it was taken for.
    pub model: Option<&'a str>,
    /// Uses granted.
    pub granted: u64,
}

/// What became of some uses of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// How many.
    pub uses: u64,
    /// They were never started.
    pub is_not_sent: bool,
    /// What each consumed, where that is known; as estimated otherwise.
    pub consumed: Usage,
}

impl Part {
    /// So many that were never started.
    #[must_use]
    pub fn not_sent(uses: u64) -> Self {
        Self {
            uses,
            is_not_sent: true,
            consumed: Usage::default(),
        }
    }

    /// Units of its uses that go back, and units that they used beyond, where `drawn` were taken for each.
    pub(super) fn difference(&self, dimension: Dimension, drawn: u64) -> (u64, u64) {
        let used = self.used(dimension, drawn);
        let less = drawn.saturating_sub(used).saturating_mul(self.uses);
        let more = used.saturating_sub(drawn).saturating_mul(self.uses);
        (less, more)
    }

    /// What each use counts for, of which `drawn` units were taken.
    pub(super) fn used(&self, dimension: Dimension, drawn: u64) -> u64 {
        // Nothing is held of what has been reported.
        if self.is_not_sent || dimension == Dimension::Concurrency {
            return 0;
        }
        let tokens = self.consumed.tokens;
        let known = match dimension {
            Dimension::Requests => tokens.map(|_| 1),
            Dimension::Concurrency => None,
            Dimension::Tokens => tokens.map(|t| t.input.saturating_add(t.output)),
            Dimension::InputTokens => tokens.map(|t| t.input),
            Dimension::OutputTokens => tokens.map(|t| t.output),
            Dimension::CostMicros => self.consumed.cost_micros,
        };
        known.unwrap_or(drawn)
    }
}

/// What one use is expected to count for in a dimension; `None` for a cost that nobody has said. One token at least: a use of which
/// nobody has said anything in this dimension would pass its limit however full that is.
pub(in crate::domain) const fn units_of(dimension: Dimension, estimate: Estimate) -> Option<u64> {
    match dimension {
        Dimension::Requests | Dimension::Concurrency => Some(1),
        Dimension::Tokens => Some(estimate.input_tokens.saturating_add(estimate.output_tokens)),
        Dimension::InputTokens => Some(at_least_one(estimate.input_tokens)),
        Dimension::OutputTokens => Some(at_least_one(estimate.output_tokens)),
        Dimension::CostMicros => estimate.cost_micros,
    }
}

const fn at_least_one(tokens: u64) -> u64 {
    if tokens == 0 { 1 } else { tokens }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::prices::Tokens;

    proptest! {
        /// What goes back and what is charged anew make what was drawn into what was used, and there is never both.
        #[test]
        fn what_was_drawn_becomes_what_was_used(
            uses in 0..1_000_u64,
            drawn in 0..100_000_u64,
            known in prop::option::of((0..100_000_u64, 0..100_000_u64)),
            is_not_sent in any::<bool>(),
            dimension in prop::sample::select(Dimension::ALL.map(|(dimension, _)| dimension).to_vec()),
        ) {
            let tokens = known.map(|(input, output)| Tokens { input, cached_input: 0, output });
            let consumed = Usage { tokens, cost_micros: known.map(|(input, _)| input) };
            let part = Part { uses, is_not_sent, consumed };
            let (less, more) = part.difference(dimension, drawn);
            prop_assert!(less == 0 || more == 0);
            prop_assert_eq!(drawn * uses - less + more, part.used(dimension, drawn) * uses);
            prop_assert!(!is_not_sent || less == drawn * uses);
        }
    }
}
