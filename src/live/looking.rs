//! When the ledger looks at accounts: at all that have something open from time to time, and in between at those that somebody waits for.

use std::time::Duration;

use crate::domain::time::BootTime;

/// How often accounts are looked at that have something open, where nobody waits.
const TICK: Duration = Duration::from_millis(25);
/// The same where there are very many of them: well within the quarter of D that a block has left when the next is asked for, mostly.
const TICK_MAX: Duration = Duration::from_millis(250);
/// A look at all of them may take this part of the time.
const LOOKING_SHARE: u32 = 40;

/// When all are to be looked at next.
#[derive(Debug, Default)]
pub struct Looking {
    next: BootTime,
}

/// At what it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What it has said before waits for its turn.
    Nothing,
    /// Accounts that somebody waits for.
    Asked,
    /// Every account that has something open.
    All,
}

impl Looking {
    /// When it looks by itself, if anything is open.
    #[must_use]
    pub const fn next(&self) -> BootTime {
        self.next
    }

    /// What to look at now. Nothing while the database is behind with what was said.
    pub fn look(&mut self, is_behind: bool, now: BootTime) -> Look {
        if is_behind {
            self.next = self.next.max(now.after(TICK));
            Look::Nothing
        } else if self.next <= now {
            Look::All
        } else {
            Look::Asked
        }
    }

    /// A look at all is over.
    pub fn looked(&mut self, began: BootTime, now: BootTime) {
        let took = now.since(began) * LOOKING_SHARE;
        self.next = began.after(took.clamp(TICK, TICK_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_all_are_rare_where_they_take_long_and_none_is_made_while_the_database_is_behind() {
        let start = BootTime::from_nanos(1_000_000_000);
        let mut looking = Looking::default();
        assert_eq!(looking.look(false, start), Look::All);
        looking.looked(start, start.after(Duration::from_millis(2)));
        assert_eq!(looking.next(), start.after(Duration::from_millis(80)));
        let early = start.after(Duration::from_millis(79));
        assert_eq!(looking.look(false, early), Look::Asked);
        assert_eq!(looking.look(true, early), Look::Nothing);
        assert_eq!(looking.next(), early.after(TICK));
        looking.looked(early, early.after(Duration::from_secs(1)));
        assert_eq!(looking.next(), early.after(TICK_MAX));
    }
}
