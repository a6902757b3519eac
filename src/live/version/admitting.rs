//! Whether a version may be leased, to whom, and who gives its canary.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{State, VersionLive};
use crate::domain::canary::{Seating, Subject};
use crate::domain::recovery::WHOLE;
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
        let admission = self.admission_of(applicant, now.database);
        if admission != Admission::Due {
            return admission;
        }
        match self.canary().take(canaries, lasts, now) {
            Seating::Given(lasts) => Admission::Canary(lasts),
            Seating::Wanted { .. } => Admission::Awaited(now.database.after(ANSWERED_WITHIN)),
            Seating::Taken(until) => Admission::Dead(told(until, now)),
        }
    }

    /// The same, and nothing is taken.
    pub fn look(&self, applicant: Applicant, now: Now) -> Admission {
        self.looked(self.admission_of(applicant, now.database), now)
    }

    /// The same for whoever has accused nobody.
    pub fn admission(&self, now: Now) -> Admission {
        let known = |state: &mut State| state.vitals.admission(now.database);
        let admission = self.ailing.known(known).unwrap_or(Admission::Normal);
        self.looked(admission, now)
    }

    /// Whether it is kept from a caller, be it by that one's own word alone.
    pub fn is_kept_from(&self, caller: Uuid, now: Timestamp) -> bool {
        let patience = Duration::ZERO;
        let admission = self.admission_of(Applicant { caller, patience }, now);
        matches!(admission, Admission::Dead(_))
    }

    fn admission_of(&self, applicant: Applicant, now: Timestamp) -> Admission {
        let Applicant { caller, patience } = applicant;
        let known = |state: &mut State| {
            let admission = state.vitals.admission_of(caller, patience, now);
            let is_cooling = matches!(admission, Admission::Cooling(_));
            let is_trial = is_cooling && state.is_open_to(applicant, now);
            if is_trial {
                Admission::Normal
            } else {
                admission
            }
        };
        self.ailing.known(known).unwrap_or(Admission::Normal)
    }

    fn looked(&self, admission: Admission, now: Now) -> Admission {
        if admission != Admission::Due {
            return admission;
        }
        match self.canary().taken(now.boot) {
            Some(until) => Admission::Dead(told(until, now)),
            None => Admission::Due,
        }
    }

    /// The right to its canary.
    #[must_use]
    pub fn canary(&self) -> &Arc<Canary> {
        let new = || Canary::new(Subject::version(self.uid));
        self.canary.get_or_init(new)
    }

    /// How much of its whole share it takes while it grows back, in percent.
    pub fn grown_percent(&self, ramp: Duration, now: Timestamp) -> Option<u8> {
        let share = self.recovering.share(ramp, now)?;
        u8::try_from(share * 100 / WHOLE).ok()
    }

    /// Whether it leaves this turn to others, while it grows back to its whole share.
    pub fn is_held_back(&self, ramp: Duration, now: Timestamp) -> bool {
        self.recovering.is_held_back(ramp, now)
    }
}
