//! The transactions of a heart that beats now.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use keylease::domain::ledger::work::LIMITS_PER_TRANSACTION;
use keylease::domain::offline::Plan;
use keylease::live::Live;
use keylease::live::beat::{Beat, Beating};
use keylease::live::idle::{IDLE_MAX, Round};
use keylease::live::reserve::Reserved;
use keylease::live::slots;
use keylease::live::transactions::Transactions;
use keylease::store::{Error, Result};

use super::clock::earlier;
use super::*;

/// The database, as it answers a replica now.
pub(crate) struct Answering<'a> {
    database: RefCell<&'a mut Database>,
    time: Time,
    now: Cell<BootTime>,
    sent: BootTime,
    asked: BootTime,
    /// For how long the answer to the heartbeat has been on its way.
    after: Duration,
    /// That answer is lost.
    is_lost: bool,
}

impl<'a> Answering<'a> {
    /// A heartbeat that was `sent` then is answered `now`, or would be.
    pub(crate) fn new(
        database: &'a mut Database,
        (sent, now): (BootTime, BootTime),
        is_lost: bool,
        time: Time,
    ) -> Self {
        let (before, after) = database.lags.next();
        let asked = earlier(now, before + after);
        Self {
            database: RefCell::new(database),
            time,
            now: Cell::new(now),
            sent: sent.min(asked),
            asked,
            after,
            is_lost,
        }
    }

    fn client<'b>(&self, live: &'b Live) -> Client<'b> {
        Client {
            replica: live.as_replica(self.now.get()),
            clock: &live.clock,
            sent: self.now.get(),
            now: self.now.get(),
        }
    }

    /// The bug that takes slots which are seen for slots that have lain still since this replica's host booted.
    fn forget_the_watch(&self, rows: &mut Rows<'_>, beating: &Beating<'_>) {
        let live = beating.live;
        let Some(wants) = slots::wants(&live.glance()) else {
            return;
        };
        let kept = rows.database.state.slots.clone();
        let number = rows
            .database
            .seen(live.boot_id, Timestamp::default())
            .number;
        let looked = live
            .slots
            .look(rows, live.boot_id, number, wants, self.sent);
        let looked = at_once(looked);
        live.slots.committed(&looked, LAG_MAX, BootTime::default());
        rows.database.state.slots = kept;
    }
}

impl Transactions for Answering<'_> {
    fn boot_now(&self) -> BootTime {
        self.now.get()
    }

    async fn beat(&self, beating: &Beating<'_>) -> Result<Beat> {
        let mut database = self.database.borrow_mut();
        let bug = database.bug;
        let mut rows = Rows::new(&mut database, &self.client(beating.live), self.time);
        rows.after = self.after;
        if bug == Some(Bug::SlotTakenAtOnce) {
            self.forget_the_watch(&mut rows, beating);
        }
        let beat = at_once(beating.write(&mut rows, || self.asked, self.sent));
        if self.is_lost {
            return Err(Error::unanswered());
        }
        Ok(beat)
    }

    async fn reserve(&self, live: &Live, works: &[Work], wait: bool) -> Result<Reserved> {
        let mut database = self.database.borrow_mut();
        // Who tells is waited for.
        if wait && database.bug == Some(Bug::SilentSweep) {
            return Ok(Reserved::Done(Vec::new()));
        }
        let answers = database.reserve(works, &self.client(live), self.time);
        Ok(answers.map_or(Reserved::Doubtful, Reserved::Done))
    }

    async fn next(&self, round: Round, after: Uuid) -> Result<Vec<Uuid>> {
        let database = self.database.borrow();
        let idle = database.clock.at(self.time).before(IDLE_MAX);
        let is_of = |row: &Row| match round {
            Round::Idle => row.entry.clocks.high < idle && !row.blocks.is_empty(),
            Round::Unanswered(number) => row.entry.incarnation < number,
        };
        let limits = database.state.limits.iter();
        let limits = limits.filter(|(uid, row)| **uid > after && is_of(row));
        let limits = limits.map(|(uid, _)| *uid);
        Ok(limits.take(LIMITS_PER_TRANSACTION).collect())
    }

    async fn ripe(&self, limits: &[Uuid]) -> Result<Vec<(Uuid, Plan)>> {
        let database = self.database.borrow();
        // By that bug, what is heard now has been known for ever.
        if database.bug == Some(Bug::ShareServedAtOnce) {
            self.now.set(BootTime::default());
        }
        let ripe = limits.iter().filter_map(|uid| {
            let row = database.state.limits.get(uid)?;
            let plan = match database.bug {
                Some(Bug::ShareServedAtOnce) => row.limit.offline_plan()?,
                _ => row.ripe()?,
            };
            Some((*uid, plan))
        });
        Ok(ripe.collect())
    }
}
