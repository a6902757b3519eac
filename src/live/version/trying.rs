//! What a version, or one model of it, cools down from by one caller's word alone: believed at once, and in time tried by single leases.

use std::time::Duration;

use uuid::Uuid;

use super::ailing::State;
use super::{Applicant, VersionLive};
use crate::domain::accusers::Matter;
use crate::domain::cooling::{place_of, places};
use crate::domain::health::{Cause, Health};
use crate::domain::time::Timestamp;
use crate::domain::transition::{Transition, Who};
use crate::live::accusing::Refuted;

impl VersionLive {
    /// Until when, and why, a model of it cools down for this caller: unless its lease is the one that is to find out.
    pub fn bars(&self, model: Option<&str>, applicant: Applicant, now: Timestamp) -> Option<Cause> {
        let bars = |state: &mut State| state.bars_model(model, applicant, now).cloned();
        self.ailing.known(bars).flatten()
    }

    /// A lease for this caller is about to be given: where it is to find out whether one caller's word is true, no other of this replica is
    /// for a while. Answers whether it is; the cooldown that bars it if another was faster.
    pub fn try_out(
        &self,
        model: Option<&str>,
        applicant: Applicant,
        now: Timestamp,
    ) -> Result<bool, Cause> {
        let try_out = |state: &mut State| state.try_out(model, applicant, now);
        self.ailing.known(try_out).unwrap_or(Ok(false))
    }

    /// The lease was not given after all: the next may find out.
    pub fn recall(&self, model: Option<&str>, now: Timestamp) {
        self.ailing.known(|state| {
            state.cooling.is_untried();
            state.models.is_untried(places(model), now);
        });
    }

    /// A use of it by this caller succeeded, of a lease that was given then. Answers whose word is found wrong by that, if anyone's is. That
    /// a budget is not spent after all is kept as unsaved, as every change of its health is.
    pub fn refute(
        &self,
        model: &str,
        (by, given): (Uuid, Timestamp),
        now: Timestamp,
    ) -> Option<Refuted> {
        let refute = |state: &mut State| {
            let accuser = state.refute(model, (by, given), now);
            self.recovering.since(state.vitals.recovered());
            accuser
        };
        let accuser = self.ailing.known(refute).flatten()?;
        Some(Refuted {
            by: Some(by),
            ..self.refuted((accuser, Matter::Budget), None)
        })
    }
}

impl VersionLive {
    /// A lease of another replica has found then that a budget of the key is not spent: whose word alone it was, and how long after its
    /// time that was. It is told as long as this replica has not heard how the version is since.
    pub fn refuted_elsewhere(&self, found: Timestamp) -> Option<Refuted> {
        let accused = self.ailing.known(|state| state.accused_of_budget());
        let (accused, believed) = accused.flatten()?;
        Some(self.refuted(accused, Some(found.since(believed))))
    }
}

impl State {
    /// Who alone says that the key has spent a budget, and until when that is believed. A change of our own that is not committed yet
    /// stands.
    fn accused_of_budget(&self) -> Option<((Uuid, Matter), Timestamp)> {
        let health = self.vitals.health(Timestamp::from_micros(0));
        let Health::Cooling(cause) = health else {
            return None;
        };
        let accused = self.vitals.accused().filter(|_| self.unsaved.is_none())?;
        Some((accused, cause.believed()))
    }

    /// Whether a lease of this caller may find out what the key itself cools down from.
    pub(super) fn is_open_to(&self, applicant: Applicant, now: Timestamp) -> bool {
        let Applicant { caller, patience } = applicant;
        let is_held = self.cooling.holds(now).is_some();
        let is_alleged = is_held && self.vitals.is_alleged(now);
        is_alleged && self.cooling.bars(caller, patience, now).is_none()
    }

    fn bars_model(
        &self,
        model: Option<&str>,
        applicant: Applicant,
        now: Timestamp,
    ) -> Option<&Cause> {
        let Applicant { caller, patience } = applicant;
        self.models.bars(place_of(model), caller, patience, now)
    }

    fn try_out(
        &mut self,
        model: Option<&str>,
        applicant: Applicant,
        now: Timestamp,
    ) -> Result<bool, Cause> {
        let is_alleged = self.vitals.is_alleged(now);
        if is_alleged && !self.is_open_to(applicant, now) {
            let held = self.vitals.health(now);
            return held.cause().map_or(Ok(false), |cause| Err(cause.clone()));
        }
        if let Some(cause) = self.bars_model(model, applicant, now) {
            return Err(cause.clone());
        }
        if is_alleged {
            self.cooling.is_tried(now);
        }
        Ok(self.models.is_tried(places(model), now) || is_alleged)
    }

    fn refute(
        &mut self,
        model: &str,
        (by, given): (Uuid, Timestamp),
        now: Timestamp,
    ) -> Option<Uuid> {
        let places = places(Some(model));
        let of_model = self.models.refute(places, (by, given, None), now);
        let Some(over) = self.cooling.refute([Some(by), None], given, now) else {
            return of_model;
        };
        if self.vitals.unspent(now) {
            self.unsaved = Some(Transition {
                to: Health::Active,
                who: Who::Caller(by),
                confirmed_ttl: Duration::ZERO,
            });
        }
        over.wrong().or(of_model)
    }
}

#[cfg(test)]
mod tests;
