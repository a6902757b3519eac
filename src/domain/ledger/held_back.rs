//! A need that there is room for, and that is not granted yet.

use std::time::Duration;

/// How long until a need that is held back is asked for again, and until it can be granted.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldBack {
    pub(super) ask: Duration,
    pub(super) clear: Duration,
}

impl HeldBack {
    pub(super) const fn of(left: Duration) -> Self {
        Self {
            ask: left,
            clear: left,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            ask: self.ask.max(other.ask),
            clear: self.clear.max(other.clear),
        }
    }
}
