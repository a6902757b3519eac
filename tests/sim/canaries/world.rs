//! Replicas, their clocks, a database, and who holds the right.

use std::time::Duration;

use keylease::domain::canary::{Answer, Ask, Right, Seat, Seating, epsilon};
use keylease::domain::ledger::clock::ClockSamples;
use keylease::domain::time::{BootTime, Timestamp};
use uuid::Uuid;

use super::Bug;
use crate::random::Random;

/// How long a canary may be reported, in milliseconds.
const LASTS: u64 = 8_000;
/// How long a run lasts, and how often everybody is looked at.
const LENGTH: u64 = 1_200_000;
const TICK: u64 = 20;

struct Replica {
    boot_id: Uuid,
    boots_at: u64,
    seat: Seat,
    samples: ClockSamples,
    paused_until: u64,
    /// An answer that is on its way to it.
    answer: Option<(u64, Ask, BootTime, Option<Duration>)>,
    lapses: Option<(BootTime, Uuid)>,
    reports: Option<(u64, Timestamp)>,
    last: Option<Uuid>,
}

/// A lease that can be reported until then, by the true time. A database clock that is set back later may let it be reported for longer:
/// its right is over then, and it decides nothing.
struct Lease {
    until: u64,
}

pub(super) struct World {
    random: Random,
    bug: Option<Bug>,
    now: u64,
    /// How far the database's clock is ahead, in milliseconds.
    ahead: i64,
    held: Option<Right>,
    replicas: Vec<Replica>,
    out: Option<Lease>,
    rights: u128,
    given: u64,
    together: u64,
}

impl World {
    pub(super) fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            bug,
            now: 1_000_000,
            ahead: 0,
            held: None,
            replicas: Vec::new(),
            out: None,
            rights: 0,
            given: 0,
            together: 0,
        };
        for _ in 0..3 {
            let replica = world.booted();
            world.replicas.push(replica);
        }
        world
    }

    fn booted(&mut self) -> Replica {
        Replica {
            boot_id: self.name(),
            boots_at: self.random.between(0, self.now),
            seat: Seat::default(),
            samples: ClockSamples::default(),
            paused_until: 0,
            answer: None,
            lapses: None,
            reports: None,
            last: None,
        }
    }

    fn name(&mut self) -> Uuid {
        self.rights += 1;
        Uuid::from_u128(self.rights)
    }

    fn database(&self) -> Timestamp {
        Timestamp::from_micros((self.now.cast_signed() + self.ahead) * 1_000)
    }

    /// How many canaries were given, and how many while another was out.
    pub(super) fn run(mut self) -> (u64, u64) {
        let end = self.now + LENGTH;
        while self.now < end {
            self.now += TICK;
            if self.random.chance(0.000_5) {
                self.ahead += self.random.signed(60_000);
            }
            for index in 0..self.replicas.len() {
                self.disturb(index);
                if self.replicas[index].paused_until <= self.now {
                    self.turn(index);
                }
            }
        }
        (self.given, self.together)
    }

    fn disturb(&mut self, index: usize) {
        if self.random.chance(0.000_3) {
            self.replicas[index] = self.booted();
        }
        if self.random.chance(0.002) {
            let away = self.random.between(10, 30_000);
            self.replicas[index].paused_until = self.now + away;
        }
    }

    fn turn(&mut self, index: usize) {
        let (database, now) = (self.database(), self.boot(index));
        let is_second = self.now.is_multiple_of(1_000);
        let replica = &mut self.replicas[index];
        if is_second {
            replica.samples.add(database, now, now);
        }
        self.hear(index, now);
        let replica = &mut self.replicas[index];
        if let Some((_, right)) = replica.lapses.filter(|(by, _)| *by <= now) {
            replica.lapses = None;
            let unused = replica.seat.lapse(right);
            self.end(unused);
        }
        let replica = &mut self.replicas[index];
        if let Some((_, given)) = replica.reports.take_if(|(at, _)| *at <= self.now) {
            let right = replica.seat.returned(given);
            // What comes when the right is over comes too late for the lease, too.
            if right.is_some() && right == self.held.map(|held| held.id) {
                self.out = None;
            }
            self.end(right);
        }
        if self.random.chance(0.2) {
            self.lease(index, now);
        }
    }

    fn boot(&self, index: usize) -> BootTime {
        let replica = &self.replicas[index];
        BootTime::from_nanos((self.now + replica.boots_at) * 1_000_000)
    }

    /// What ends a right may be lost on its way.
    fn end(&mut self, right: Option<Uuid>) {
        let is_it = self.held.is_some_and(|held| Some(held.id) == right);
        if is_it && !self.random.chance(0.2) {
            self.held = None;
        }
    }

    /// The answer arrives.
    fn hear(&mut self, index: usize, now: BootTime) {
        let replica = &mut self.replicas[index];
        let Some((_, ask, sent, wait)) = replica.answer.take_if(|(at, ..)| *at <= self.now) else {
            return;
        };
        if let Some(wait) = wait {
            replica.seat.refused(now.after(wait), None);
            return;
        }
        let counts_from = match self.bug {
            Some(Bug::GiveWithinFromReply) => now,
            _ => sent,
        };
        let by = replica.seat.given(&ask, counts_from);
        replica.lapses = by.map(|by| (by, ask.right));
    }

    fn lease(&mut self, index: usize, now: BootTime) {
        let lasts = Duration::from_millis(LASTS);
        let given = self.database();
        match self.replicas[index].seat.take(lasts, now, given) {
            Seating::Given(lasts) => self.give(index, lasts),
            Seating::Wanted { is_first: true } => self.ask(index, now),
            Seating::Wanted { is_first: false } | Seating::Taken(_) => {}
        }
    }

    fn give(&mut self, index: usize, lasts: Duration) {
        let is_out = |lease: &Lease| self.now < lease.until;
        self.together += u64::from(self.out.as_ref().is_some_and(is_out));
        self.given += 1;
        self.out = Some(Lease {
            until: self.now + u64::try_from(lasts.as_millis()).unwrap(),
        });
        // Some are never reported.
        let reports = self.now + self.random.between(100, LASTS);
        let is_silent = self.random.chance(0.3);
        self.replicas[index].reports = (!is_silent).then_some((reports, self.database()));
        if self.bug == Some(Bug::OutCalledEnded) {
            self.replicas[index].seat = Seat::default();
        }
    }

    fn ask(&mut self, index: usize, sent: BootTime) {
        let right = self.name();
        let (bug, database, held) = (self.bug, self.database(), self.held);
        let replica = &mut self.replicas[index];
        let Some(mut ask) = replica.seat.asking(replica.boot_id, right) else {
            return;
        };
        match bug {
            Some(Bug::OutCalledEnded) => ask.ended.extend(replica.last),
            Some(Bug::NoTimeForReport) => ask.lasts = Duration::ZERO,
            _ => {}
        }
        replica.last = Some(right);
        let believed = held.map_or(database, |held| {
            let (reach, low) = (held.reach(), held.low);
            let samples = &mut replica.samples;
            samples.believed(held.id, low, reach, epsilon(reach) / 2, sent)
        });
        let believed = match bug {
            Some(Bug::OneClock) => database,
            _ => believed,
        };
        let wait = match ask.decide(held, database, believed, None) {
            Answer::Given(right) => {
                self.held = Some(right);
                None
            }
            Answer::Held(right, wait) => {
                self.held = Some(right);
                Some(wait.min(Duration::from_secs(1)))
            }
            Answer::Frozen(wait) => Some(wait),
        };
        ask.lasts = Duration::from_millis(LASTS);
        // An answer that is lost is one that the replica does not wait for any longer.
        let is_lost = self.random.chance(0.1);
        let wait = if is_lost { Some(Duration::ZERO) } else { wait };
        let at = self.now + self.random.between(1, 2_500);
        self.replicas[index].answer = Some((at, ask, sent, wait));
    }
}
