//! What callers send and get.

use std::time::Duration;

use keylease::domain::ledger::block::{Draw, Ending};
use keylease::domain::ledger::settle::Part;
use keylease::domain::pool::Estimate;
use keylease::domain::time::BootTime;
use uuid::Uuid;

use crate::time::{BootClock, Time};

/// A call for a lease.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// When it was sent, truly.
    pub(crate) sent: Time,
    /// The caller's own clock.
    pub(crate) clock: BootClock,
    pub(crate) uses: u64,
    pub(crate) estimate: Estimate,
    pub(crate) max_wait: Duration,
}

/// A lease.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) issuer: Uuid,
    pub(crate) serial: u64,
    pub(crate) granted: u64,
    pub(crate) draws: Vec<(Uuid, Draw)>,
    /// When the call came, by the issuer's clock.
    pub(crate) received: BootTime,
    /// Counted from when the call was sent, by the caller's clock.
    pub(crate) start_within: Duration,
    pub(crate) report_within: Duration,
    pub(crate) call: Call,
}

/// What a caller saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Answer,
    NoAnswer,
    NotSent,
}

/// A report of some uses of a lease.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) given: Given,
    pub(crate) sequence: u32,
    pub(crate) part: Part,
    pub(crate) seen: Seen,
    /// How long after the call the uses had started, by the caller's clock.
    pub(crate) started_after: Option<Duration>,
}

impl Given {
    /// How long ago the call was sent, by the caller's clock.
    pub(crate) fn age(&self, time: Time) -> Duration {
        let clock = self.call.clock;
        clock.at(time).since(clock.at(self.call.sent))
    }
}

impl Report {
    /// As [`keylease::domain::outcome::Outcome::ending`] has it, for a report that came at `arrived`.
    pub(crate) fn ending(&self, arrived: BootTime) -> Ending {
        let stated = self
            .started_after
            .map(|after| self.given.received.after(after));
        let started_by = stated.map_or(arrived, |stated| stated.min(arrived));
        Ending {
            is_sure: self.seen != Seen::NoAnswer,
            started_by: match self.seen {
                Seen::NotSent => BootTime::default(),
                Seen::Answer | Seen::NoAnswer => started_by,
            },
        }
    }
}
