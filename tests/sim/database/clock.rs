//! The clocks of a replica while a transaction of its runs.

use std::cell::Cell;
use std::time::Duration;

use keylease::domain::ledger::clock::{Believed, SAMPLE_GAP_MAX};
use keylease::domain::time::{BootTime, Timestamp};
use keylease::live::clock::{DatabaseClock, LedgerClock};
use uuid::Uuid;

use super::Client;
use crate::bugs::Bug;

pub(super) struct Clock<'a> {
    known: &'a DatabaseClock,
    now: BootTime,
    /// The latest sample.
    read: Cell<Timestamp>,
    bug: Option<Bug>,
}

impl<'a> Clock<'a> {
    pub(super) fn of(client: &Client<'a>, bug: Option<Bug>) -> Self {
        Self {
            known: client.clock,
            now: client.now,
            read: Cell::default(),
            bug,
        }
    }
}

impl LedgerClock for Clock<'_> {
    fn boot_now(&self) -> BootTime {
        self.now
    }

    fn sample(&self, database: Timestamp, asked: BootTime, answered: BootTime) {
        self.read.set(database);
        self.known.sample(database, asked, answered);
    }

    fn believed(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        (reach, lead): (Duration, Duration),
        sent: BootTime,
    ) -> Believed {
        let last_low = match self.bug {
            Some(Bug::SeedAtSending) => last_low.after(self.now.since(sent)),
            _ => last_low,
        };
        let reach = match self.bug {
            Some(Bug::ReachOfCharge) => reach.saturating_sub(SAMPLE_GAP_MAX),
            _ => reach,
        };
        let believed = LedgerClock::believed(self.known, limit, last_low, (reach, lead), sent);
        match self.bug {
            Some(Bug::OneClock | Bug::FreezeOnStep) => Believed::exactly(self.read.get()),
            Some(Bug::StampAsRead) => Believed {
                least: self.read.get(),
                ..believed
            },
            _ => believed,
        }
    }
}
