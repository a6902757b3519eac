//! The clocks of a replica while a transaction of its runs, and how long the database's answers are on their way to it.

use std::cell::Cell;
use std::time::Duration;

use keylease::domain::ledger::clock::{Believed, SAMPLE_GAP_MAX};
use keylease::domain::time::{BootTime, Timestamp};
use keylease::live::clock::{DatabaseClock, LedgerClock};
use uuid::Uuid;

use super::Client;
use crate::bugs::Bug;
use crate::random::Random;
use crate::setup::Faults;
use crate::time::{MILLI, SECOND, Time};
use crate::world::nanos;

/// The database ends a transaction in which nobody says anything for a second.
const LAGS_MAX: Time = SECOND;

/// How long before the database's clock was read it was asked for, and how long after that the answer came.
#[derive(Debug)]
pub(crate) struct Lags {
    random: Random,
    /// How often each takes long, and how long at most.
    slow: f64,
    slow_max: Time,
}

impl Lags {
    pub(crate) fn new(seed: u64, faults: &Faults) -> Self {
        Self {
            random: Random::new(seed),
            slow: faults.slow_database,
            slow_max: nanos(faults.slow_max).min(LAGS_MAX / 2),
        }
    }

    /// From when the clock is asked for until it is read, and from then until the answer comes.
    pub(super) fn next(&mut self) -> (Duration, Duration) {
        let mut lag = || {
            let most = match self.random.chance(self.slow) {
                true => self.slow_max,
                false => 10 * MILLI,
            };
            Duration::from_nanos(self.random.between(0, most))
        };
        (lag(), lag())
    }
}

/// Or as early as clocks go.
pub(super) fn earlier(time: BootTime, by: Duration) -> BootTime {
    BootTime::default().after(time.since(BootTime::default().after(by)))
}

pub(super) struct Clock<'a> {
    known: &'a DatabaseClock,
    /// Until somebody looks.
    asked: Cell<Option<BootTime>>,
    answered: BootTime,
    /// The latest sample.
    read: Cell<Timestamp>,
    bug: Option<Bug>,
}

impl<'a> Clock<'a> {
    pub(super) fn of(client: &Client<'a>, lags: &mut Lags, bug: Option<Bug>) -> Self {
        let (before, after) = lags.next();
        // Nothing is asked before the transaction is sent.
        let asked = earlier(client.now, before).max(client.sent);
        let answered = client.now.after(after);
        Self {
            known: client.clock,
            asked: Cell::new(Some(asked)),
            answered,
            read: Cell::default(),
            bug,
        }
    }
}

impl LedgerClock for Clock<'_> {
    fn boot_now(&self) -> BootTime {
        self.asked.take().unwrap_or(self.answered)
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
            Some(Bug::SeedAtSending) => last_low.after(self.answered.since(sent)),
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

    fn recent(
        &self,
        limit: Uuid,
        last_low: Timestamp,
        reach: Duration,
        sent: BootTime,
    ) -> Timestamp {
        self.known.recent(limit, last_low, reach, sent)
    }
}
