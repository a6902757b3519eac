//! What providers state of their limits, beside what is configured: where they differ, and what may be adopted of it.

use std::time::Duration;

use uuid::Uuid;

use super::limit::{Dimension, Limit};
use super::models::Pattern;
use super::terms::Span;
use super::time::Timestamp;

/// The most budgets of one account whose statements are kept.
pub const STATEMENTS_MAX: usize = 256;
/// The most of them that the reports of one caller begin on one replica, as with cooldowns: reports name what models they like.
pub const CALLER_STATEMENTS_MAX: usize = 64;
/// The most callers that are remembered to have said the same.
pub const WITNESSES_MAX: usize = 4;
/// What nobody has stated for so long is forgotten.
pub const STATEMENT_AGE_MAX: Duration = Duration::from_hours(24 * 30);

/// Of which budget of an account something is stated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BudgetName {
    /// What is counted.
    pub dimension: Dimension,
    /// The model, or empty for all.
    pub model: String,
    /// The window.
    pub window: Duration,
}

/// What the provider states of one budget of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// Which budget.
    pub budget: BudgetName,
    /// How many units a window has.
    pub amount: u64,
    /// Callers whose reports carried it, as many as are remembered.
    pub witnesses: Vec<Uuid>,
    /// From how many leases it was heard: 1, or 2 for more than one.
    pub leases: u32,
    /// Since when it is stated.
    pub first_seen: Timestamp,
    /// When it was last heard, to the hour.
    pub last_seen: Timestamp,
}

impl Learned {
    /// Whether it is more than one report's word: two leases, and two callers where the account has several.
    #[must_use]
    pub const fn is_confirmed(&self, callers_of_account: usize) -> bool {
        let callers = self.witnesses.len();
        callers >= 2 || (self.leases >= 2 && callers == 1 && callers_of_account <= 1)
    }

    /// The configured limit that it is about: the tightest of the same dimension and window. A limit of all models is about one of them
    /// only if it lets that one pass what is stated.
    #[must_use]
    pub fn limit_of<'a>(&self, limits: impl Iterator<Item = &'a Limit>) -> Option<&'a Limit> {
        let is_about = |limit: &&Limit| {
            let is_whole = limit.models.is_empty();
            let is_of_model = if self.budget.model.is_empty() {
                is_whole
            } else {
                limit
                    .models
                    .iter()
                    .any(|p: &Pattern| p.matches(&self.budget.model))
                    || (is_whole && limit.amount > self.amount)
            };
            is_of_model && limit.dimension == self.budget.dimension && self.is_window(limit.span)
        };
        limits
            .filter(is_about)
            .min_by_key(|limit| (limit.models.is_empty(), limit.amount))
    }

    /// A day is a day, from midnight or not.
    fn is_window(&self, span: Span) -> bool {
        match span {
            Span::Rolling(_) | Span::Calendar(_) => span.length() == self.budget.window,
            Span::Held(_) => false,
        }
    }
}

/// What a limit becomes if it adopts what is stated: lower, never higher, and not below half of `base`, what a person has set it to. A
/// report that lies may so halve a limit, and never widens one.
#[must_use]
pub fn adopted(amount: u64, base: u64, stated: u64) -> Option<u64> {
    let target = stated.max(base.div_ceil(2)).max(1);
    (target < amount).then_some(target)
}

#[cfg(test)]
mod tests;
