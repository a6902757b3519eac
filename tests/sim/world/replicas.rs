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
    }

    pub(super) fn beat(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) && !self.replicas[index].is_closing() {
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

    pub(super) fn take_up_all(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            self.take_up(outcome);
        }
    }

    pub(super) fn call(&mut self, index: usize, call: Call) {
        if !self.replicas[index].is_alive {
            return;
        }
        let outcomes = self.replicas[index].call(call, self.now);
        self.take_up_all(outcomes);
    }

    pub(super) fn take_up(&mut self, outcome: Outcome) {
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
            Outcome::Told(call, after) => self.told(call, after),
            Outcome::Waits | Outcome::Refused => {}
        }
    }
}
