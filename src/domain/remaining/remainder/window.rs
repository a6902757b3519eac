//! Which window an answer speaks of, beside one before.

use std::time::Duration;

use super::Remainder;
use crate::domain::time::Timestamp;

/// Resets that differ by no more are of one window: they are rounded to seconds, and answers take their time.
const JITTER: Duration = Duration::from_secs(2);

/// The window that an answer speaks of, beside that of an answer before.
pub(super) enum Window {
    Older,
    Same,
    Later,
    /// There are none: what is used comes back one by one.
    OneByOne,
}

impl Remainder {
    /// Which window that is, beside this one. How old an answer is when it is reported nobody knows, so its reset is told from a moment
    /// between when its lease was given and now.
    pub(super) fn window_of(&self, new: &Self, given: Timestamp) -> Window {
        let first = new.until.before(new.at.since(given));
        if self.said.is_steady() || new.said.is_steady() {
            Window::OneByOne
        } else if first > self.until.after(JITTER) {
            Window::Later
        } else if new.until.after(JITTER) < self.until {
            Window::Older
        } else {
            Window::Same
        }
    }
}
