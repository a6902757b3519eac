//! The course of a rotation: what each event makes of it, and what is to be done to the versions in the same transaction.

mod over;
mod unfit;

use std::time::Duration;

use super::{CLAIM_LASTS, Origin, Rotation, Step};
use crate::domain::time::Timestamp;

pub use unfit::Unfit;

/// The first try that comes to nothing is repeated after this; the gap doubles with each.
pub const AGAIN_FIRST: Duration = Duration::from_secs(5);
/// The longest gap between tries.
pub const AGAIN_MAX: Duration = Duration::from_mins(5);
/// A step that was tried in vain so often, for an hour, is told of: a test waits for a person then, and a rotator is asked on. It is counted in
/// tries, so that neither a downtime nor a clock that was set passes for some.
pub const TRIES_TOLD: u32 = 18;

/// The longest that the next test waits because a limit on requests says so: who answered may not even be the provider.
const LIMITED_MAX: Duration = Duration::from_hours(1);

/// So often a secret that a rotator has just made is rejected before that is believed: with these gaps, over a minute.
const REJECTIONS_OF_MINTED: u32 = 5;

/// Something that happens to a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The rotator has made a secret, which is stored as the new version in the same transaction; or is not, since nobody wants it any more.
    Created,
    /// The new version was tried.
    Tested(Tested),
    /// A try of the step came to nothing.
    Failed(String),
    /// The step cannot be taken before a person has mended what it needs.
    Stuck(String),
    /// Every lease of the previous version has ended, and its grace is over.
    Drained {
        /// The rotator is to revoke it at the provider.
        at_provider: bool,
    },
    /// The provider knows the version no more that is not needed any more.
    Revoked,
    /// A person gives it up.
    Cancel,
    /// A person has it tried again.
    Retry {
        /// The new version is to be promoted untried.
        skips_test: bool,
    },
    /// The previous version is to be current again.
    RollBack {
        /// By the vault itself.
        is_automatic: bool,
    },
}

/// What a try of the new version says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// Its provider knows it, or there is nothing to lose or to ask.
    Proven,
    /// Its provider says that it is no good.
    Rejected(String),
    /// Nothing.
    Unclear(String),
    /// Nothing, since requests are limited; and for how long, where that is said.
    Limited(String, Duration),
}

/// What becomes of the versions, in the transaction that moves the rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Nothing.
    Wait,
    /// The new version becomes current, and the current one previous.
    Promote,
    /// The new version, if there is one, is revoked unused.
    Discard,
    /// The previous version is revoked.
    Revoke,
    /// The previous version becomes current again, and the new one previous.
    Restore,
}

impl Step {
    /// The new version is not current yet: nothing has changed for any lease.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Creating | Self::Pending | Self::Testing)
    }

    /// Nothing more comes of it, but that a rotator may have to revoke what it made in vain.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::RolledBack)
    }
}

impl Rotation {
    /// What an event makes of it. An event that comes late, or again, is unfit and changes nothing.
    ///
    /// # Errors
    /// Says why, and what to do.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Result<Deed, Unfit> {
        match (self.step, event) {
            (step, event) if step.is_over() => self.on_over(event, now),
            (Step::Creating, Event::Created) => Ok(self.reach(Step::Pending, Some(now), now)),
            (Step::Creating | Step::Revoking, Event::Failed(why)) => Ok(self.again(why, now)),
            (Step::Pending | Step::Testing, Event::Tested(tested)) => Ok(self.tested(tested, now)),
            (Step::Draining, Event::Drained { at_provider: true }) => {
                self.reach(Step::Revoking, Some(now), now);
                Ok(Deed::Revoke)
            }
            (Step::Draining, Event::Drained { at_provider: false }) => {
                self.reach(Step::Done, None, now);
                Ok(Deed::Revoke)
            }
            (Step::Revoking, Event::Revoked) => Ok(self.reach(Step::Done, None, now)),
            (Step::Creating | Step::Pending | Step::Testing, Event::Cancel) => {
                let is_made = self.origin == Origin::Rotator;
                // The rotator may be at work: what it has not made yet it cannot revoke.
                let is_asked = self.step == Step::Creating;
                let from = if is_asked {
                    now.after(CLAIM_LASTS)
                } else {
                    now
                };
                self.reach(Step::Cancelled, is_made.then_some(from), now);
                Ok(Deed::Discard)
            }
            (step, Event::Stuck(why)) if step != Step::Draining => Ok(self.stuck(why, now)),
            // Nothing is left to undo: the previous version is revoked here, and whoever says this knows what became of it there.
            (Step::Revoking, Event::Cancel) => Ok(self.reach(Step::Done, None, now)),
            (Step::Pending | Step::Testing, Event::Retry { skips_test: true }) => {
                self.skips_test = true;
                Ok(self.tested(Tested::Proven, now))
            }
            (Step::Creating, event @ Event::Retry { skips_test: true }) => Err(self.unfit(&event)),
            (step, Event::Retry { .. }) if step != Step::Draining => {
                self.try_again(now);
                Ok(Deed::Wait)
            }
            (Step::Draining, Event::RollBack { is_automatic }) => {
                self.reach(Step::RolledBack, None, now);
                self.is_automatic = is_automatic;
                Ok(Deed::Restore)
            }
            (_, event) => Err(self.unfit(&event)),
        }
    }

    fn tested(&mut self, tested: Tested, now: Timestamp) -> Deed {
        match tested {
            Tested::Proven => {
                self.reach(Step::Draining, None, now);
                Deed::Promote
            }
            // A provider may know a key only some seconds after it has made it.
            Tested::Rejected(why)
                if self.origin == Origin::Rotator && self.attempts + 1 < REJECTIONS_OF_MINTED =>
            {
                self.again(why, now)
            }
            Tested::Rejected(why) => {
                self.come_to_nothing(why, now);
                self.hold();
                Deed::Wait
            }
            Tested::Unclear(why) => self.again(why, now),
            Tested::Limited(why, wait) => {
                self.again(why, now);
                let until = now.after(wait.min(LIMITED_MAX));
                self.next_attempt = self.next_attempt.map(|at| at.max(until));
                Deed::Wait
            }
        }
    }

    fn reach(&mut self, step: Step, next_attempt: Option<Timestamp>, now: Timestamp) -> Deed {
        if self.step != step {
            self.step = step;
            self.step_time = now;
        }
        self.update_time = now;
        self.next_attempt = next_attempt;
        self.attempts = 0;
        self.why.clear();
        self.is_held = false;
        Deed::Wait
    }

    fn come_to_nothing(&mut self, why: String, now: Timestamp) {
        if self.step == Step::Pending {
            self.step = Step::Testing;
            self.step_time = now;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.why = why;
        self.is_held = false;
        self.update_time = now;
    }

    fn hold(&mut self) {
        self.is_held = true;
        self.next_attempt = None;
    }

    fn again(&mut self, why: String, now: Timestamp) -> Deed {
        self.come_to_nothing(why, now);
        // Whoever asks for a test may mend the secret. A rotator that was away comes back by itself, and nobody should have to go through
        // all rotations of that time.
        if self.step == Step::Testing && self.attempts >= TRIES_TOLD {
            self.hold();
        } else {
            let doublings = self.attempts.saturating_sub(1).min(16);
            let gap = AGAIN_FIRST * 2_u32.saturating_pow(doublings);
            self.next_attempt = Some(now.after(gap.min(AGAIN_MAX)));
        }
        Deed::Wait
    }

    fn stuck(&mut self, why: String, now: Timestamp) -> Deed {
        self.come_to_nothing(why, now);
        self.hold();
        Deed::Wait
    }

    fn try_again(&mut self, now: Timestamp) {
        self.update_time = now;
        self.attempts = 0;
        self.is_held = false;
        self.next_attempt = Some(now);
    }
}

#[cfg(test)]
mod tests;
