//! Transactions of the ledger on their way.

use keylease::live::late::LATE;
use keylease::live::ledger::Said;
use keylease::live::saying::{Reply, TRANSACTION_MAX};

use super::*;
use crate::replica::Number;

/// For how long a transaction waits for a row that another holds.
const LOCK_TIMEOUT: Time = SECOND / 2;

impl World<'_> {
    /// Whoever was woken tries again; then it looks at what there is to say, if it is time to.
    pub(super) fn wake(&mut self, index: usize) {
        let is_stopped = self.now < self.replicas[index].paused_until;
        if is_stopped || !self.replicas[index].is_there() {
            return;
        }
        let outcomes = self.replicas[index].retry(self.now);
        self.take_up_all(outcomes);
        let said = self.replicas[index].look(self.now);
        self.say(index, said);
        self.set_alarm(index);
    }

    fn set_alarm(&mut self, index: usize) {
        let (now, replica) = (self.now, &mut self.replicas[index]);
        let Some(due) = replica.due_at() else {
            return;
        };
        // Timers ring late, by less than this.
        let at = now + nanos(due.since(replica.clock.at(now))) + MILLI;
        if replica.wakes_at.is_none_or(|wakes_at| at < wakes_at) {
            replica.wakes_at = Some(at);
            let boot = replica.boot_id;
            self.after(at - now, Event::Wake(index, boot));
        }
    }

    /// Says this to the database, in as many transactions as it takes.
    pub(super) fn say(&mut self, index: usize, mut said: Vec<Said>) {
        while !said.is_empty() {
            let rest = said.split_off(said.len().min(self.limits_per_transaction()));
            let (replica, late) = (&mut self.replicas[index], nanos(LATE));
            let (number, boot) = (replica.say(said), replica.boot_id);
            self.after(late, Event::Late(index, boot, number));
            said = rest;
        }
        self.begin_to_say(index);
    }

    fn begin_to_say(&mut self, index: usize) {
        while let Some(number) = self.replicas[index].begin() {
            self.send(index, number);
        }
    }

    fn send(&mut self, index: usize, number: Number) {
        let replica = &self.replicas[index];
        let (sent, boot) = (replica.clock.at(self.now), replica.boot_id);
        let delay = self.hop() + self.slow(self.setup.faults.slow_database);
        let transaction = Transaction {
            number,
            sent,
            server: self.server,
            waited: 0,
        };
        self.after(delay, Event::Transact(index, boot, transaction));
    }

    pub(super) fn transact(&mut self, index: usize, boot: Uuid, mut transaction: Transaction) {
        if !self.is_up(index, boot) {
            return;
        }
        let Transaction { number, sent, .. } = transaction;
        let (works, waits) = self.replicas[index].part(number);
        if let Some(wait) = self.locked_for(&works).filter(|_| waits) {
            transaction.waited += wait;
            let event = match transaction.waited > LOCK_TIMEOUT {
                true => Event::Answered(index, boot, number, Reply::Refused),
                false => Event::Transact(index, boot, transaction),
            };
            self.after(wait.min(LOCK_TIMEOUT), event);
            return;
        }
        let works = self.unlocked(works);
        let late = nanos(self.setup.faults.late_to_first.unwrap_or_default());
        let late = if index == 0 { late } else { 0 };
        let is_lost = self.random.chance(self.setup.faults.lost_reply);
        let delay = self.hop() + self.slow(self.setup.faults.slow_database) + late;
        if self.is_cut_off(index) || transaction.server != self.server {
            self.after(
                CONNECT,
                Event::Answered(index, boot, number, Reply::Unknown),
            );
            return;
        }
        let time = self.now;
        let delay = delay + self.lock(&works);
        let client = self.replicas[index].client(sent, time);
        let Some(answers) = self.database.reserve(&works, &client, time) else {
            // In doubt: the replica looks at once.
            self.after(MILLI, Event::Answered(index, boot, number, Reply::Refused));
            self.look(index);
            return;
        };
        let most = nanos(TRANSACTION_MAX);
        let is_unknown = is_lost || (late == 0 && delay > most);
        let (delay, reply) = match is_unknown {
            true => (most, Reply::Unknown),
            false => (delay, Reply::Done(answers)),
        };
        self.after(delay, Event::Answered(index, boot, number, reply));
    }

    pub(super) fn answered(&mut self, index: usize, boot: Uuid, number: Number, reply: Reply) {
        if !self.is_up(index, boot) {
            return;
        }
        if self.replicas[index].heard(number, reply, self.now) {
            self.send(index, number);
        }
        self.begin_to_say(index);
    }
}
