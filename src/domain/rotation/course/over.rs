//! What is left to do for a rotation that is over: its rotator is to revoke what it made in vain.

use super::{Deed, Event, Unfit};
use crate::domain::rotation::{Origin, Rotation, Step};
use crate::domain::time::Timestamp;

impl Rotation {
    /// It is over, and the rotator has yet to revoke what it made.
    #[must_use]
    pub const fn cleans_up(&self) -> bool {
        self.step.is_over() && (self.is_held || self.next_attempt.is_some())
    }

    /// The version that the rotator is to have revoked: the previous one, or the new one where the rotation came to nothing.
    #[must_use]
    pub fn number_to_revoke(&self) -> u32 {
        if self.step.is_over() {
            self.to_number
        } else {
            self.from_number.unwrap_or_default()
        }
    }

    /// What an event makes of one that is over: it stays so.
    pub(super) fn on_over(&mut self, event: Event, now: Timestamp) -> Result<Deed, Unfit> {
        match (self.step, event) {
            // Its new version, which was taken back, is revoked here: what a rotator made in vain is to be revoked there as well.
            (Step::RolledBack, Event::Drained { at_provider: true }) => {
                Ok(self.reach(Step::RolledBack, Some(now), now))
            }
            // The rotator was at work when it was given up.
            (Step::Cancelled, Event::Created) if self.origin == Origin::Rotator => {
                Ok(self.reach(Step::Cancelled, Some(now), now))
            }
            // Whoever gives that up knows what became of it there.
            (Step::Cancelled | Step::RolledBack, Event::Revoked | Event::Cancel)
                if self.cleans_up() =>
            {
                Ok(self.reach(self.step, None, now))
            }
            (Step::Cancelled | Step::RolledBack, Event::Failed(why)) if self.cleans_up() => {
                Ok(self.again(why, now))
            }
            (_, Event::Stuck(why)) if self.cleans_up() => Ok(self.stuck(why, now)),
            (_, Event::Retry { .. }) if self.cleans_up() => {
                self.try_again(now);
                Ok(Deed::Wait)
            }
            (_, event) => Err(self.unfit(&event)),
        }
    }
}
