//! Whose words against keys turned out to be wrong, as this replica has seen it.

use uuid::Uuid;

use super::Live;
use crate::domain::time::Timestamp;

impl Live {
    /// What these callers accused was found well.
    pub fn refuted(&self, callers: impl IntoIterator<Item = Uuid>) {
        let mut callers = callers.into_iter().peekable();
        // As nearly always: every report that succeeds comes by here.
        if callers.peek().is_none() {
            return;
        }
        let now = self.now().database;
        let mut accusers = self.accusers.lock();
        callers.for_each(|caller| accusers.refuted(caller, now));
    }

    /// Whether a caller has been wrong so often lately that its word alone takes a key from itself alone.
    #[must_use]
    pub fn is_doubted(&self, caller: Uuid, now: Timestamp) -> bool {
        self.accusers.lock().is_doubted(caller, now)
    }
}
