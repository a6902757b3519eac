//! What callers send and get.

use std::rc::Rc;
use std::time::Duration;

use keylease::domain::claims::LeaseClaims;
use keylease::domain::classify::{Advice, Blame, Failure};
use keylease::domain::forwarded::Forwarded;
use keylease::domain::health::FailureClass;
use keylease::domain::judged::{self, Judged};
use keylease::domain::outcome::{self, Start};
use keylease::domain::pool::Estimate;
use keylease::domain::prices::Tokens;
use keylease::domain::time::BootTime;
use keylease::domain::usage::Usage;
use keylease::live::reports::Claimed;
use uuid::Uuid;

use crate::time::{BootClock, Time};

/// Names a call that may be sent again.
pub(crate) type RequestId = u64;

/// A call for a lease.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// When it was sent, truly.
    pub(crate) sent: Time,
    /// The caller's own clock.
    pub(crate) clock: BootClock,
    pub(crate) uses: u64,
    pub(crate) estimate: Estimate,
    pub(crate) model: Option<&'static str>,
    pub(crate) max_wait: Duration,
    pub(crate) request: Option<RequestId>,
}

/// A lease.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) issuer: Uuid,
    pub(crate) serial: u64,
    pub(crate) granted: u64,
    /// What its id carries.
    pub(crate) claims: Rc<LeaseClaims>,
    /// When the call came, by the issuer's clock.
    pub(crate) received: BootTime,
    /// Counted from when the call was sent, by the caller's clock.
    pub(crate) start_within: Duration,
    pub(crate) report_within: Duration,
    /// An earlier call of the same id was given it.
    pub(crate) is_again: bool,
    pub(crate) call: Call,
}

/// What a caller saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Answer,
    NoAnswer,
    NotSent,
}

/// Some uses of a lease, which are reported together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    pub(crate) sequence: u32,
    /// No other report will come.
    pub(crate) is_final: bool,
    pub(crate) is_silent: bool,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) not_sent: u64,
    /// Tokens that each use took, where that is counted.
    pub(crate) took: Option<u64>,
}

/// A report of some uses of a lease.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) issuer: Uuid,
    pub(crate) serial: u64,
    pub(crate) claims: Rc<LeaseClaims>,
    pub(crate) sequence: u32,
    pub(crate) is_final: bool,
    pub(crate) outcomes: Vec<Judged>,
}

impl Given {
    /// How long ago the call was sent, by the caller's clock.
    pub(crate) fn age(&self, time: Time) -> Duration {
        let clock = self.call.clock;
        clock.at(time).since(clock.at(self.call.sent))
    }
}

impl Portion {
    /// All of a lease, of one fate.
    pub(crate) fn whole(uses: u64, seen: Seen) -> Self {
        let mut portion = Self {
            sequence: 0,
            is_final: false,
            is_silent: false,
            answered: 0,
            unanswered: 0,
            not_sent: 0,
            took: None,
        };
        portion.add(uses, seen);
        portion
    }

    pub(crate) fn add(&mut self, uses: u64, seen: Seen) {
        match seen {
            Seen::Answer => self.answered += uses,
            Seen::NoAnswer => self.unanswered += uses,
            Seen::NotSent => self.not_sent += uses,
        }
    }

    /// It was too late to start what would have been answered.
    pub(crate) fn miss(&mut self) {
        self.not_sent += std::mem::take(&mut self.answered);
    }

    /// What is reported of it; the uses that were answered had started so long after the call, if the caller says.
    pub(crate) fn report(&self, given: &Given, started_after: Option<Duration>) -> Report {
        let failed = judged::Seen::Failed {
            failure: timeout(),
            why: String::new(),
        };
        let all = [
            (
                self.answered,
                judged::Seen::Success,
                Start::Answered(started_after),
            ),
            (self.unanswered, failed, Start::Unknown),
            (self.not_sent, judged::Seen::NotSent, Start::Never),
        ];
        let outcomes = all.into_iter().filter(|(count, ..)| *count > 0);
        let outcomes = outcomes.map(|(count, seen, start)| Judged {
            count: u32::try_from(count).unwrap(),
            usage: self.usage(start),
            seen,
            start,
            model: None,
        });
        Report {
            issuer: given.issuer,
            serial: given.serial,
            claims: Rc::clone(&given.claims),
            sequence: self.sequence,
            is_final: self.is_final,
            outcomes: outcomes.collect(),
        }
    }

    fn usage(&self, start: Start) -> Usage {
        let took = self.took.filter(|_| matches!(start, Start::Answered(_)));
        Usage {
            tokens: took.map(|input| Tokens {
                input,
                cached_input: 0,
                output: 0,
            }),
            cost_micros: None,
        }
    }
}

const fn timeout() -> Failure {
    Failure {
        class: FailureClass::ProviderFault,
        blame: Blame::Provider,
        retry_after: None,
        advice: Advice::RetrySameLater,
    }
}

impl Report {
    /// As it counts where it came at `arrived`.
    pub(crate) fn claimed(&self, renewed: Option<BootTime>, arrived: BootTime) -> Claimed {
        let starts = self.outcomes.iter().map(|outcome| outcome.start);
        let uses = self.outcomes.iter().map(|outcome| outcome.count);
        Claimed {
            caller: self.claims.caller_uid,
            serial: self.serial,
            sequence: self.sequence,
            uses: uses.sum(),
            granted: self.claims.granted,
            is_final: self.is_final,
            ending: outcome::ending(starts, self.claims.received, arrived),
            lasts: self.claims.report_within,
            renewed,
        }
    }

    /// As it travels to its issuer.
    pub(crate) fn forwarded(&self) -> Vec<u8> {
        let forwarded = Forwarded {
            serial: self.serial,
            sequence: self.sequence,
            is_final: self.is_final,
            claims: LeaseClaims::clone(&self.claims),
            outcomes: self.outcomes.clone(),
        };
        forwarded.encode()
    }

    /// As it was found.
    pub(crate) fn found(issuer: Uuid, forwarded: Forwarded) -> Self {
        Self {
            issuer,
            serial: forwarded.serial,
            claims: Rc::new(forwarded.claims),
            sequence: forwarded.sequence,
            is_final: forwarded.is_final,
            outcomes: forwarded.outcomes,
        }
    }
}
