//! What is asked of a limit when it is created or changed, and the bounds that its times keep to one another.

use std::time::Duration;

use super::field::FieldError;
use super::limit::{Dimension, Limit};
use super::models::Pattern;

/// The shortest D that can be asked for: a block must outlive the transaction that reserves it.
pub const VALIDITY_MIN: Duration = Duration::from_millis(10);
/// The shortest L that can be asked for: the answer has to reach the caller, and the request to leave it.
pub const START_WITHIN_MIN: Duration = Duration::from_millis(10);

/// The fields of a limit that are to change; its dimension never does. An inner `None` means: the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitDraft {
    /// N.
    pub amount: Option<u64>,
    /// W.
    pub window: Option<Duration>,
    /// Patterns of models that share the budget.
    pub models: Option<Vec<Pattern>>,
    /// D.
    pub validity: Option<Option<Duration>>,
    /// L.
    pub start_within: Option<Option<Duration>>,
    /// Added to the charge time.
    pub blackout: Option<Option<Duration>>,
}

/// A limit to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLimit {
    /// What is counted.
    pub dimension: Dimension,
    /// N.
    pub amount: u64,
    /// W.
    pub window: Duration,
    /// All else.
    pub rest: LimitDraft,
}

impl LimitDraft {
    /// Changes `limit`.
    ///
    /// # Errors
    /// Names what would not fit the window that the limit then has; `limit` is to be dropped.
    pub fn apply(self, limit: &mut Limit) -> Result<(), Vec<FieldError>> {
        limit.amount = self.amount.unwrap_or(limit.amount);
        limit.window = self.window.unwrap_or(limit.window);
        if let Some(models) = self.models {
            limit.models = models;
        }
        limit.validity = self.validity.unwrap_or(limit.validity);
        limit.start_within = self.start_within.unwrap_or(limit.start_within);
        limit.blackout = self.blackout.unwrap_or(limit.blackout);
        check_shares(limit)
    }
}

/// D and L are shares of the window: what they take is lost to it, since a unit stays charged for all three.
fn check_shares(limit: &Limit) -> Result<(), Vec<FieldError>> {
    let faults: Vec<_> = [
        share("limit.block_validity", limit.validity, limit.window, 4),
        share("limit.start_within", limit.start_within, limit.window, 2),
    ]
    .into_iter()
    .flatten()
    .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn share(
    field: &str,
    part: Option<Duration>,
    window: Duration,
    divisor: u32,
) -> Option<FieldError> {
    let part = part.filter(|part| *part > window / divisor)?;
    Some(FieldError::new(
        field,
        format!(
            "is {part:?}, must be at most a {} of the window of {window:?}; shorten it or leave it unset",
            if divisor == 2 { "half" } else { "quarter" },
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::id::Id;
    use super::super::limit::Owner;
    use super::super::time::Timestamp;
    use super::*;
    use uuid::Uuid;

    fn limit() -> Limit {
        Limit {
            uid: Uuid::from_u128(1),
            rev: 1,
            owner: Owner::Account(Uuid::from_u128(2)),
            id: Id::parse("id", "rpm").unwrap(),
            create_time: Timestamp::from_micros(0),
            update_time: Timestamp::from_micros(0),
            dimension: Dimension::Requests,
            amount: 600,
            window: Duration::from_secs(60),
            models: vec![],
            validity: None,
            start_within: None,
            blackout: None,
        }
    }

    fn fields(result: Result<(), Vec<FieldError>>) -> Vec<String> {
        result
            .err()
            .into_iter()
            .flatten()
            .map(|fault| fault.field)
            .collect()
    }

    #[test]
    fn validity_and_start_within_are_bounded_by_the_window_that_results() {
        let draft = LimitDraft {
            validity: Some(Some(Duration::from_secs(15))),
            start_within: Some(Some(Duration::from_secs(30))),
            ..LimitDraft::default()
        };
        let mut fitting = limit();
        assert_eq!(fields(draft.clone().apply(&mut fitting)), [""; 0]);
        let shorter = LimitDraft {
            window: Some(Duration::from_secs(59)),
            ..LimitDraft::default()
        };
        assert_eq!(
            fields(shorter.apply(&mut fitting)),
            ["limit.block_validity", "limit.start_within"]
        );
    }

    #[test]
    fn what_the_draft_leaves_out_stays() {
        let mut changed = limit();
        LimitDraft {
            amount: Some(5),
            ..LimitDraft::default()
        }
        .apply(&mut changed)
        .unwrap();
        assert_eq!(
            changed,
            Limit {
                amount: 5,
                ..limit()
            }
        );
    }
}
