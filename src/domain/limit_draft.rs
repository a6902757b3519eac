//! What is asked of a limit when it is created or changed, and the bounds that its times keep to one another.

use std::time::Duration;

use super::field::FieldError;
use super::limit::{Dimension, LEASE_DURATION_MAX_DEFAULT, Limit, Mode};
use super::models::Pattern;
use super::offline::OfflineShare;
use super::terms::Span;

/// The shortest D that can be asked for: a block must outlive the transaction that reserves it.
pub const VALIDITY_MIN: Duration = Duration::from_millis(10);
/// The shortest L that can be asked for: the answer has to reach the caller, and the request to leave it.
pub const START_WITHIN_MIN: Duration = Duration::from_millis(10);

/// Of a limit of concurrency.
const NO_WINDOW: &str = "must be unset where the dimension is CONCURRENCY, which has no window: a use counts while it is held; leave it out";
/// Of any other limit.
pub const NOT_HELD: &str = "must be unset unless the dimension is CONCURRENCY: only there a lease holds its permits; leave it out";

/// The fields of a limit that are to change; its dimension never does. An inner `None` means: the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitDraft {
    /// N.
    pub amount: Option<u64>,
    /// A rolling window or a calendar.
    pub span: Option<Span>,
    /// How long a lease holds a permit at most.
    pub lease_duration_max: Option<Option<Duration>>,
    /// Patterns of models that share the budget.
    pub models: Option<Vec<Pattern>>,
    /// Whether it refuses.
    pub mode: Option<Mode>,
    /// D.
    pub validity: Option<Option<Duration>>,
    /// L.
    pub start_within: Option<Option<Duration>>,
    /// Added to the charge time.
    pub blackout: Option<Option<Duration>>,
    /// What is served from while the database cannot be reached.
    pub offline: Option<Option<OfflineShare>>,
}

/// A limit to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLimit {
    /// What is counted.
    pub dimension: Dimension,
    /// N.
    pub amount: u64,
    /// Over what it counts.
    pub span: Span,
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
        apply_span(limit, self.span, self.lease_duration_max)?;
        if let Some(models) = self.models {
            limit.models = models;
        }
        limit.mode = self.mode.unwrap_or(limit.mode);
        limit.validity = self.validity.unwrap_or(limit.validity);
        limit.start_within = self.start_within.unwrap_or(limit.start_within);
        limit.blackout = self.blackout.unwrap_or(limit.blackout);
        limit.offline = self.offline.unwrap_or(limit.offline);
        check_shares(limit)
    }
}

/// A limit of concurrency was given a window, in this field.
#[must_use]
pub fn no_window(field: &str) -> FieldError {
    FieldError::new(field, NO_WINDOW)
}

/// What is held has no window, and nothing else a longest lease.
fn apply_span(
    limit: &mut Limit,
    span: Option<Span>,
    longest: Option<Option<Duration>>,
) -> Result<(), Vec<FieldError>> {
    let fault = match (limit.span, span, longest) {
        (Span::Held(_), Some(Span::Calendar(_)), _) => no_window("limit.calendar"),
        (Span::Held(_), Some(_), _) => no_window("limit.rolling"),
        (Span::Held(_), None, Some(longest)) => {
            limit.span = Span::Held(longest.unwrap_or(LEASE_DURATION_MAX_DEFAULT));
            return Ok(());
        }
        (Span::Rolling(_) | Span::Calendar(_), _, Some(Some(_))) => {
            FieldError::new("limit.lease_duration_max", NOT_HELD)
        }
        (Span::Rolling(_) | Span::Calendar(_), _, None | Some(None))
        | (Span::Held(_), None, None) => {
            limit.span = span.unwrap_or(limit.span);
            return Ok(());
        }
    };
    Err(vec![fault])
}

/// D and L are shares of the window: what they take is lost to it, since a unit stays charged for all three.
fn check_shares(limit: &Limit) -> Result<(), Vec<FieldError>> {
    let length = limit.span.length();
    let faults: Vec<_> = [
        share("limit.block_validity", limit.validity, length, 4),
        share("limit.start_within", limit.start_within, length, 2),
    ]
    .into_iter()
    .flatten()
    .chain(limit.offline.and_then(|share| share.check(limit).err()))
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
    use super::super::calendar::{Calendar, Period, Zone};
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
            span: Span::Rolling(Duration::from_secs(60)),
            models: vec![],
            mode: Mode::Enforce,
            validity: None,
            start_within: None,
            blackout: None,
            offline: None,
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
            span: Some(Span::Rolling(Duration::from_secs(59))),
            ..LimitDraft::default()
        };
        assert_eq!(
            fields(shorter.apply(&mut fitting)),
            ["limit.block_validity", "limit.start_within"]
        );
    }

    #[test]
    fn what_is_held_has_no_window_and_nothing_else_a_longest_lease() {
        let longest = LimitDraft {
            lease_duration_max: Some(Some(Duration::from_secs(90))),
            ..LimitDraft::default()
        };
        let window = LimitDraft {
            span: Some(Span::Rolling(Duration::from_secs(60))),
            ..LimitDraft::default()
        };
        let fault = longest.clone().apply(&mut limit());
        assert_eq!(fields(fault), ["limit.lease_duration_max"]);
        let mut held = Limit {
            dimension: Dimension::Concurrency,
            span: Span::Held(LEASE_DURATION_MAX_DEFAULT),
            ..limit()
        };
        assert_eq!(fields(window.apply(&mut held)), ["limit.rolling"]);
        let days = LimitDraft {
            span: Some(Span::Calendar(Calendar {
                period: Period::Day,
                zone: Zone::parse("zone", "UTC").unwrap(),
            })),
            ..LimitDraft::default()
        };
        assert_eq!(fields(days.apply(&mut held)), ["limit.calendar"]);
        longest.apply(&mut held).unwrap();
        assert_eq!(held.span, Span::Held(Duration::from_secs(90)));
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
