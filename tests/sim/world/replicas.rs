//! What replicas do, and what comes to them.

use keylease::domain::ledger::standing::Replication;

use super::*;

/// How long it takes to find that nobody is there.
pub(super) const CONNECT: Time = 100 * MILLI;

impl World<'_> {
    pub(super) fn boot(&mut self) -> Replica {
        self.boots += 1;
        let clock = BootClock {
            offset: self.random.between(SECOND, 100_000 * SECOND),
            ppm: self.random.signed(300),
        };
        // The upper half of a boot id marks its blocks.
        let boot_id = Uuid::from_u128(self.boots << 64);
        let mut replica = Replica::new(clock, boot_id, &self.limits, self.setup.bug);
        replica.live.count_replicas(self.setup.replicas as u64);
        let is_paced = self.setup.bug != Some(Bug::NotPaced);
        replica.is_paced = is_paced && !self.setup.is_synchronous;
        if self.setup.is_synchronous {
            replica.replication = Replication::Synchronous;
        }
        replica.lease_duration = self.setup.lease_duration;
        replica
    }

    pub(super) fn set_out(&mut self, index: usize) {
        let boot = self.replicas[index].boot_id;
        self.after(0, Event::Beat(index, boot));
        self.after(0, Event::Exchange(index, boot));
        self.after(0, Event::TakeOver(index, boot));
        let delay = self.random.between(MILLI, TICK);
        self.after(delay, Event::Tick(index, boot));
    }

    pub(super) fn tick(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) {
            self.after(TICK, Event::Tick(index, boot));
            self.say_more(index);
        }
    }

    /// Says what there is to say, unless its last has been said.
    fn say_more(&mut self, index: usize) {
        if self.replicas[index].end != Some(End::Closing) {
            self.say(index);
        }
    }

    /// Says what there is to say to the database.
    pub(super) fn say(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        let mut works = replica.work(self.now);
        let boot = replica.boot_id;
        while !works.is_empty() {
            let rest = works.split_off(works.len().min(self.limits_per_transaction()));
            let sent = self.replicas[index].clock.at(self.now);
            let delay = self.hop() + self.slow(self.setup.faults.slow_database);
            self.replicas[index].under_way += 1;
            self.after(
                delay,
                Event::Transact(index, boot, self.server, works, sent),
            );
            works = rest;
        }
    }

    pub(super) fn beat(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) && self.replicas[index].end != Some(End::Closing) {
            self.after(SECOND, Event::Beat(index, boot));
            self.look(index);
        }
    }

    pub(super) fn is_cut_off(&self, index: usize) -> bool {
        let back = self.replicas[index].cut_off_until;
        self.now < self.database_back.max(back)
    }

    pub(super) fn look(&mut self, index: usize) {
        if self.is_cut_off(index) {
            return;
        }
        let time = self.now;
        let slow = self.slow(self.setup.faults.slow_database).min(time);
        let is_lost = self.random.chance(self.setup.faults.lost_reply);
        let replica = &mut self.replicas[index];
        let sent = replica.clock.at(time - slow);
        replica.beat(&mut self.database, sent, is_lost, time);
    }

    pub(super) fn transact(
        &mut self,
        index: usize,
        boot: Uuid,
        server: u32,
        works: Vec<Work>,
        sent: BootTime,
    ) {
        if !self.is_up(index, boot) {
            return;
        }
        if let Some(wait) = self.locked_for(&works) {
            self.after(wait, Event::Transact(index, boot, server, works, sent));
            return;
        }
        let late = nanos(self.setup.faults.late_to_first.unwrap_or_default());
        let late = if index == 0 { late } else { 0 };
        let is_lost = self.random.chance(self.setup.faults.lost_reply);
        let delay = self.hop() + self.slow(self.setup.faults.slow_database) + late;
        if self.is_cut_off(index) || server != self.server {
            let event = Event::Answered(index, boot, works, None, sent);
            self.after(CONNECT, event);
            return;
        }
        let time = self.now;
        let delay = delay + self.lock(&works);
        let client = self.replicas[index].client(sent, time);
        let answers = self.database.reserve(&works, &client, time);
        if answers.is_none() {
            // In doubt: the replica looks at once.
            self.after(MILLI, Event::Answered(index, boot, works, None, sent));
            self.look(index);
            return;
        }
        let is_unknown = is_lost || (late == 0 && delay > TRANSACTION_MAX);
        if is_unknown {
            self.after(
                TRANSACTION_MAX,
                Event::Answered(index, boot, works, None, sent),
            );
        } else {
            self.after(delay, Event::Answered(index, boot, works, answers, sent));
        }
    }

    pub(super) fn answered(
        &mut self,
        index: usize,
        boot: Uuid,
        works: &[Work],
        answers: Option<Answers>,
        _sent: BootTime,
    ) {
        if !self.is_up(index, boot) {
            return;
        }
        let replica = &mut self.replicas[index];
        replica.under_way -= 1;
        let now = replica.clock.at(self.now);
        match answers {
            None => works.iter().for_each(|work| {
                replica
                    .account
                    .with_budget_quietly(|b| b.unsaid(work, false, now))
            }),
            Some(answers) => {
                works
                    .iter()
                    .for_each(|work| replica.account.with_budget_quietly(|b| b.said(work)));
                for (limit, answer) in answers {
                    if let Some(answer) = answer {
                        let answer = replica.misread(limit, answer, now);
                        replica
                            .account
                            .with_budget_quietly(|b| b.answered(limit, &answer, now));
                    }
                }
            }
        }
        self.wake(index);
    }

    pub(super) fn wake(&mut self, index: usize) {
        let outcomes = self.replicas[index].retry(self.now);
        self.take_up_all(index, outcomes);
        self.say_more(index);
    }

    pub(super) fn take_up_all(&mut self, index: usize, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            self.take_up(index, outcome);
        }
    }

    pub(super) fn call(&mut self, index: usize, call: Call) {
        if !self.replicas[index].is_alive {
            return;
        }
        let outcomes = self.replicas[index].call(call, self.now);
        let is_short = matches!(outcomes.as_slice(), [Outcome::Waits(_)]);
        self.take_up_all(index, outcomes);
        if is_short {
            self.say(index);
        }
    }

    pub(super) fn take_up(&mut self, index: usize, outcome: Outcome) {
        match outcome {
            Outcome::Given(given) => {
                self.hold(&given);
                self.came_back(&given);
                let is_lost = self.random.chance(self.setup.faults.lost_lease);
                if given.call.request.is_some() && (is_lost || self.is_odd(Odd::Lost)) {
                    return;
                }
                let delay = self.hop() / 2 + self.slow(self.setup.faults.slow_lease);
                self.after(delay, Event::Leased(given));
            }
            Outcome::Waits(at) => {
                let now = self.now;
                let replica = &mut self.replicas[index];
                let delay = nanos(at.since(replica.clock.at(now))) + MILLI;
                if replica.wakes_at.is_none_or(|at| now + delay < at) {
                    replica.wakes_at = Some(now + delay);
                    let boot = replica.boot_id;
                    self.after(delay, Event::Wake(index, boot));
                }
            }
            Outcome::Told(call, at) => self.told(index, call, at),
            Outcome::Refused => {}
        }
    }
}
