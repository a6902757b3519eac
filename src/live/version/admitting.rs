//! Whether a version may be leased, to whom, and who gives its canary.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::VersionLive;
use crate::domain::canary::Seating;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Admission;
use crate::live::canaries::{ANSWERED_WITHIN, Canaries, Canary, told};
use crate::live::choose::Now;

/// Who asks for a lease.
#[derive(Debug, Clone, Copy)]
pub struct Applicant {
    /// The caller.
    pub caller: Uuid,
    /// How long it lets others try first what it accused itself.
    pub patience: Duration,
}

impl VersionLive {
    /// Whether a lease may be given that may be reported for `lasts`. A canary is taken by asking: the next one to ask is told to wait.
    pub fn admit(
        &self,
        applicant: Applicant,
        canaries: &Canaries,
        lasts: Duration,
        now: Now,
    ) -> Admission {
        let Applicant { caller, patience } = applicant;
        let admission = {
            let state = self.state.lock();
            state.vitals.admission_of(caller, patience, now.database)
        };
        if admission != Admission::Due {
            return admission;
        }
        match self.canary.take(canaries, lasts, now.boot) {
            Seating::Given(lasts) => Admission::Canary(lasts),
            Seating::Wanted { .. } => Admission::Awaited(now.database.after(ANSWERED_WITHIN)),
            Seating::Taken(until) => Admission::Dead(told(until, now)),
        }
    }

    /// The same for whoever has accused nobody, and nothing is taken.
    pub fn admission(&self, now: Now) -> Admission {
        let admission = self.state.lock().vitals.admission(now.database);
        if admission != Admission::Due {
            return admission;
        }
        match self.canary.look(now.boot) {
            Seating::Taken(until) => Admission::Dead(told(until, now)),
            Seating::Given(_) | Seating::Wanted { .. } => Admission::Due,
        }
    }

    /// The right to its canary.
    #[must_use]
    pub const fn canary(&self) -> &Arc<Canary> {
        &self.canary
    }

    /// Whether it leaves this turn to others, while it grows back to its whole share.
    pub fn is_held_back(&self, ramp: Duration, now: Timestamp) -> bool {
        self.recovering.is_held_back(ramp, now)
    }
}
