//! What single models of a version cool down from, as the fleet knows it.

use super::{State, VersionLive};
use crate::domain::cooling::place_of;
use crate::domain::health::Cause;
use crate::domain::time::Timestamp;

impl VersionLive {
    /// Until when, and why, it cools down for one model.
    pub fn cooling(&self, model: &str, now: Timestamp) -> Option<Cause> {
        let known = |state: &mut State| state.models.of(model, now).cloned();
        self.ailing.known(known).flatten()
    }

    /// All models that it cools down for, until when, and why.
    pub fn cooling_models(&self, now: Timestamp) -> Vec<(String, Cause)> {
        let held = self.ailing.known(|state| state.models.held(now));
        held.unwrap_or_default()
    }

    /// A use of it with this model succeeded.
    pub fn succeeded_with(&self, model: &str, now: Timestamp) {
        let place = place_of(Some(model));
        self.ailing.known(|state| state.models.succeed(place, now));
    }

    /// Cooldowns, by model, that must be committed before the report behind them is answered.
    #[must_use]
    pub fn unsaved_models(&self) -> Vec<(String, Cause)> {
        let unsaved = self.ailing.known(|state| state.models.unsaved());
        unsaved.unwrap_or_default()
    }

    /// The cooldown of a model is committed.
    pub fn saved_model(&self, model: &str, cause: &Cause) {
        self.ailing.known(|state| state.models.saved(model, cause));
    }

    /// Another replica says what a model cools down from. What has ended is no news.
    pub fn told_model(&self, model: &str, cause: Cause, now: Timestamp) {
        self.ailing
            .befallen(|state| state.models.told(model, cause, now));
    }

    /// Leases elsewhere found that some of what its models cool down from is none: of all that was stored this is left.
    pub fn models_tried_elsewhere(&self, stored: &[(String, Cause)], now: Timestamp) {
        let tell = |state: &mut State| state.models.told_all(stored, now);
        if stored.is_empty() {
            self.ailing.known(tell);
        } else {
            self.ailing.befallen(tell);
        }
    }

    /// A person says that its models cool down from nothing but this.
    pub fn cleared_models(&self, except: &[(String, Cause)], now: Timestamp) {
        if except.is_empty() {
            self.ailing.known(|state| state.models.cleared(except, now));
        } else {
            self.ailing
                .befallen(|state| state.models.cleared(except, now));
        }
    }
}
