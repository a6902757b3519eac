//! Words that an account is closed: two callers who say so of two of its keys confirm each other.

use uuid::Uuid;

use super::AccountLive;
use crate::domain::time::Timestamp;

impl AccountLive {
    /// A caller says that it is closed, which counts until then.
    pub fn said_closed(&self, caller: Uuid, until: Timestamp, now: Timestamp) {
        self.state.lock().closed.note(caller, until, now);
    }

    /// Whether another caller has said so lately.
    #[must_use]
    pub fn is_said_closed_by_another(&self, caller: Uuid, now: Timestamp) -> bool {
        self.state.lock().closed.has_another(caller, now)
    }
}
