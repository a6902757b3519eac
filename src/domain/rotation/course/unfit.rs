//! What is said of events that come late, or do not fit.

use super::{Event, Rotation, Step};

/// Why an event does not fit the step that a rotation is at: what it is, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub &'static str);

impl Rotation {
    pub(super) const fn unfit(&self, event: &Event) -> Unfit {
        Unfit(match (self.step, event) {
            (Step::Draining, Event::Cancel) => {
                "its version is current already: undo it with RollbackKey, or rotate another secret in"
            }
            (Step::Draining, Event::Retry { .. }) => {
                "its version is current already, and leases of the previous one run out by themselves: revoke_previous_now ends that"
            }
            (Step::Creating, Event::Retry { .. }) => {
                "there is no new version yet that could be promoted untried"
            }
            (Step::Revoking | Step::Done, Event::RollBack { .. }) => {
                "the previous version is revoked: rotate another secret in"
            }
            (Step::Creating | Step::Pending | Step::Testing, Event::RollBack { .. }) => {
                "its version is not current: give the rotation up with CancelRotation"
            }
            (Step::Done, _) => "it is done already",
            (Step::Cancelled, _) => "it was cancelled already",
            (Step::RolledBack, _) => "it was rolled back already",
            _ => "it has moved on meanwhile: look at it again",
        })
    }
}
