//! What a caller saw, once per use.

use std::fmt;
use std::time::Duration;

use super::ledger::block::Ending;
use super::time::BootTime;
use super::usage::Usage;

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
    /// What was used, per use; as estimated where it is not known.
    pub usage: Usage,
    /// How long after the call for the lease the uses had started at the latest.
    pub started_after: Option<Duration>,
    /// From the first byte sent to the last received.
    pub latency: Option<Duration>,
    /// The model that served, where it is not the one leased for.
    pub model: Option<String>,
}

impl Outcome {
    /// What it says of when its uses started. Only an answer of the provider proves that a use has started and is not still under way
    /// somewhere.
    #[must_use]
    pub const fn start(&self) -> Start {
        match self.observation {
            Observation::NotSent => Start::Never,
            Observation::Success { .. } | Observation::Http { .. } => {
                Start::Answered(self.started_after)
            }
            Observation::Transport(_) => Start::Unknown,
        }
    }
}

impl Observation {
    /// The headers of the provider's answer, if one came.
    #[must_use]
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        match self {
            Self::Success { headers } | Self::Http { headers, .. } => headers,
            Self::Transport(_) | Self::NotSent => &[],
        }
    }
}

/// When some uses started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// They never did.
    Never,
    /// The provider answered, so they did: so long after the call for the lease at the latest, if the caller said.
    Answered(Option<Duration>),
    /// Nobody knows.
    Unknown,
}

impl Start {
    /// Of a lease whose only call came at `received`, in a report that came at `arrived`.
    fn ending(self, received: Option<BootTime>, arrived: BootTime) -> Ending {
        let (is_sure, started_by) = match self {
            Self::Never => (true, BootTime::default()),
            Self::Answered(after) => {
                let stated = received.zip(after).map(|(call, after)| call.after(after));
                (true, stated.map_or(arrived, |at| at.min(arrived)))
            }
            Self::Unknown => (false, arrived),
        };
        Ending {
            is_sure,
            started_by,
        }
    }
}

/// What all outcomes of one report say together.
pub fn ending(
    starts: impl Iterator<Item = Start>,
    received: Option<BootTime>,
    arrived: BootTime,
) -> Ending {
    let none = Start::Never.ending(received, arrived);
    starts.fold(none, |all, start| {
        all.and(Some(start.ending(received, arrived)))
    })
}

/// What a caller saw in one use.
#[derive(Clone, PartialEq, Eq)]
pub enum Observation {
    /// The provider did what was asked.
    Success {
        /// The headers of its answer, as (lower-case name, value).
        headers: Vec<(String, Vec<u8>)>,
    },
    /// The provider answered with a failure.
    Http {
        /// 100 to 599.
        status: u16,
        /// The headers that rules read, as (lower-case name, value).
        headers: Vec<(String, Vec<u8>)>,
        /// The beginning of the body. Providers quote keys in it: it is judged, and never kept.
        body: Vec<u8>,
    },
    /// No answer came.
    Transport(Transport),
    /// Never started.
    NotSent,
}

/// Without headers and body, which may quote a key.
impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success { .. } => f.write_str("Success"),
            Self::Http { status, .. } => write!(f, "Http({status}, redacted)"),
            Self::Transport(transport) => write!(f, "Transport({transport:?})"),
            Self::NotSent => f.write_str("NotSent"),
        }
    }
}

/// Where a request without an answer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Sent, and no answer in time.
    Timeout,
    /// No connection, no TLS, no name: our way out.
    Egress,
    /// The caller gave up by its own choice.
    Cancelled,
    /// Unknown.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_wrote_is_not_printed() {
        let observation = Observation::Http {
            status: 403,
            headers: vec![("x".to_owned(), b"canary".to_vec())],
            body: b"canary".to_vec(),
        };
        assert_eq!(format!("{observation:?}"), "Http(403, redacted)");
    }
}
