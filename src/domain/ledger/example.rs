//! Limits for tests of the ledger's laws.

use std::time::Duration;

use uuid::Uuid;

use super::budget::Need;
use super::entry::Seen;
use super::work::{Answer, Wait};
use crate::domain::id::Id;
use crate::domain::limit::{Dimension, Limit, Mode, Owner};
use crate::domain::pool::Estimate;
use crate::domain::terms::Span;
use crate::domain::time::{BootTime, Timestamp};

/// A limit for all models.
pub(crate) fn limit(number: u128, dimension: Dimension, amount: u64, window: Duration) -> Limit {
    Limit {
        uid: Uuid::from_u128(number),
        rev: 1,
        owner: Owner::Account(Uuid::from_u128(1 << 64)),
        id: Id::parse("id", &format!("l{number}")).unwrap(),
        create_time: Timestamp::from_micros(0),
        update_time: Timestamp::from_micros(0),
        dimension,
        amount,
        span: Span::Rolling(window),
        mode: Mode::Enforce,
        models: Vec::new(),
        validity: None,
        start_within: None,
        blackout: None,
        offline: None,
    }
}

/// One use, of a call that does not wait.
pub(crate) fn need(input_tokens: u64, model: Option<&str>) -> Need<'_> {
    Need {
        model,
        uses: 1,
        estimate: Estimate {
            input_tokens,
            output_tokens: 0,
            cost_micros: None,
        },
        is_new: true,
        ticket: None,
        is_patient: false,
        until: BootTime::default(),
        lease_duration: Duration::from_mins(10),
        slot: None,
    }
}

/// A grant of it.
pub(crate) fn granted(limit: &Limit, block: u64, units: u64, sent: BootTime) -> Answer {
    Answer {
        block,
        units,
        within: units,
        unasked_over: 0,
        sent,
        terms: limit.terms(),
        last: Seen::NONE,
        wait: Wait::default(),
        largest_clears_at: BootTime::default(),
        is_kept: false,
        is_raised: false,
    }
}
