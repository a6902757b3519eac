//! A cooldown that is over before its time, since what it was told of has turned out to be more.

use super::Cooldowns;
use crate::domain::cooling::Cooling;
use crate::domain::time::Timestamp;

impl Cooling {
    /// It is over. Who alone spoke of it is known still: whoever speaks again soon goes on from there.
    pub fn lift(&mut self, now: Timestamp) {
        if let Some(cause) = self.cause.as_mut().filter(|cause| now < cause.until) {
            cause.until = now;
            self.tried = None;
        }
    }
}

impl<const MODELS_MAX: usize, const CALLER_MODELS_MAX: usize>
    Cooldowns<MODELS_MAX, CALLER_MODELS_MAX>
{
    /// The cooldown of this model is over.
    pub fn lift(&mut self, model: &str, now: Timestamp) {
        if let Some(cooling) = self.cooling.get_mut(model) {
            cooling.lift(now);
        }
    }
}
