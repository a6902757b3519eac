//! What a caller saw, once per use.

use std::time::Duration;

use super::classify::Observation;
use super::ledger::block::Ending;
use super::ledger::settle::Part;
use super::pool::Estimate;
use super::time::BootTime;

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
    /// How long after the call for the lease the uses had started at the latest.
    pub started_after: Option<Duration>,
}

impl Outcome {
    /// Whether the uses were never started.
    #[must_use]
    pub const fn is_not_sent(&self) -> bool {
        matches!(self.observation, Observation::NotSent)
    }

    /// What it is to the permits of its lease.
    #[must_use]
    pub fn part(&self) -> Part {
        Part {
            uses: u64::from(self.count),
            is_not_sent: self.is_not_sent(),
            consumed: self.usage,
        }
    }

    /// What it says of when its uses started, of a lease whose call came at `received`, in a report that came at `arrived`. Only an
    /// answer of the provider proves that a use has started and is not still under way somewhere.
    #[must_use]
    pub fn ending(&self, received: BootTime, arrived: BootTime) -> Ending {
        let (is_sure, has_started) = match self.observation {
            Observation::NotSent => (true, false),
            Observation::Success | Observation::Http { .. } => (true, true),
            Observation::Transport(_) => (false, true),
        };
        let stated = self.started_after.map(|after| received.after(after));
        let started_by = stated.map_or(arrived, |stated| stated.min(arrived));
        Ending {
            is_sure,
            started_by: if has_started {
                started_by
            } else {
                BootTime::default()
            },
        }
    }
}

/// What all outcomes of one report say together.
#[must_use]
pub fn ending(outcomes: &[Outcome], received: BootTime, arrived: BootTime) -> Ending {
    let none = Ending {
        is_sure: true,
        started_by: BootTime::default(),
    };
    let endings = outcomes.iter().map(|o| o.ending(received, arrived));
    endings.fold(none, |all, one| all.and(Some(one)))
}
