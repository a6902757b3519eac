//! What goes wrong.

use keylease::domain::offline::OfflineShare;

use super::*;
use crate::setup::Act;

/// Where commits are not waited for, as much as three times this may be lost.
const WAL_WRITTEN_EVERY: Time = 200 * MILLI;

/// By how much clocks are set at most.
const FAR: i64 = 100 * SECOND.cast_signed();

impl World<'_> {
    pub(super) fn keep(&mut self) {
        let faults = &self.setup.faults;
        let is_async = self.setup.bug == Some(Bug::AsynchronousCommit);
        let mut acts = self.setup.script.iter();
        let is_scripted = acts.any(|(_, act)| matches!(act, Act::FailOver(..)));
        if is_async || is_scripted || faults.failover + faults.restore + faults.set_back > 0.0 {
            self.kept.push_back((self.now, self.database.state.clone()));
            if self.kept.len() > 400 {
                self.kept.pop_front();
            }
            self.after(KEEP_EVERY, Event::Keep);
        }
    }

    pub(super) fn faults(&mut self) {
        self.after(SECOND, Event::Faults);
        let faults = self.setup.faults.clone();
        for index in 0..self.replicas.len() {
            if self.replicas[index].is_alive && self.random.chance(faults.crash) {
                self.kill(index);
            }
            if self.random.chance(faults.drain) {
                let boot = self.replicas[index].boot_id;
                self.after(0, Event::Drain(index, boot));
            }
            if self.random.chance(faults.cut_off) {
                let lasts = self.random.between(SECOND, nanos(faults.cut_off_max));
                self.replicas[index].cut_off_until = self.now + lasts;
            }
            if self.random.chance(faults.pause) {
                let pause = self.random.between(0, nanos(faults.pause_max).max(1));
                self.replicas[index].paused_until = self.now + pause;
            }
        }
        if self.random.chance(faults.failover) {
            self.fail_over(0, 3 * SECOND);
        }
        if self.random.chance(faults.restore) {
            self.set_back(10 * SECOND, 60 * SECOND);
            self.database.sight.filenode += 1;
        }
        if self.random.chance(faults.set_back) {
            self.set_back(5 * SECOND, 20 * SECOND);
        }
        let goes = self.database_goes.take_if(|at| *at <= self.now);
        if goes.is_some() || self.random.chance(faults.outage) {
            let back = self.random.between(SECOND, nanos(faults.outage_max));
            self.database_back = self.now + back;
        }
        if self.random.chance(faults.clock) {
            self.upset_clock();
        }
        if self.random.chance(faults.clock_forward) {
            let by = self.random.signed(FAR).abs();
            self.database.clock.step(by);
        }
        if self.random.chance(faults.clock_blink) {
            let by = self.random.signed(FAR);
            self.database.clock.step(by);
            let lasts = self.random.between(SECOND / 5, 2 * SECOND);
            self.after(lasts, Event::SetClock(-by));
        }
        if self.random.chance(faults.clock_near) {
            let near = i64::try_from(2 * SECOND).unwrap();
            let by = self.random.signed(near) - self.database.clock.offset;
            self.database.clock.step(by);
        }
        if self.random.chance(faults.reshare) {
            self.reshare();
        }
        if self.random.chance(faults.reconfigure) {
            self.reconfigure();
        }
    }

    /// A standby takes over that lacks what was committed last.
    pub(super) fn fail_over(&mut self, least: Time, most: Time) {
        self.set_back(least, most);
        self.database.sight.timeline += "+";
    }

    pub(super) fn kill(&mut self, index: usize) {
        self.replicas[index].is_alive = false;
        let delay = self.random.between(SECOND, 8 * SECOND);
        self.after(delay, Event::Boot(index));
    }

    /// What the database has answered is on disk when it is back, unless its commits were not waited for. Nobody lives who knows better.
    pub(super) fn cut_power(&mut self) {
        if self.setup.bug == Some(Bug::AsynchronousCommit) {
            self.set_back(WAL_WRITTEN_EVERY, 3 * WAL_WRITTEN_EVERY);
        }
        self.server += 1;
        self.database_back = self.now + SECOND;
        self.kill_all();
    }

    pub(super) fn kill_all(&mut self) {
        for index in 0..self.replicas.len() {
            if self.replicas[index].is_alive {
                self.kill(index);
            }
        }
    }

    pub(super) fn replace_all(&mut self) {
        for index in 0..self.replicas.len() {
            self.replicas[index] = self.boot();
            self.set_out(index);
        }
    }

    /// The database has what it had some time ago.
    pub(super) fn set_back(&mut self, least: Time, most: Time) {
        let to = self.now.saturating_sub(self.random.between(least, most));
        let kept = self.kept.iter().rev().find(|(at, _)| *at <= to);
        if let Some((_, state)) = kept {
            self.database.state = state.clone();
            self.server += 1;
        }
    }

    pub(super) fn upset_clock(&mut self) {
        let now = self.now;
        match self.random.index(4) {
            0 => self.database.clock.step(self.random.signed(FAR)),
            1 => self.database.clock.slew(self.random.signed(100_000), now),
            2 => self.database.clock.slew(0, now),
            _ => {
                // There and back.
                let by = -self.database.clock.offset;
                self.database.clock.step(by);
            }
        }
    }

    /// Another offline share, or none. Replicas hear of it when they reach the database: some cannot, and for others it goes away when
    /// they have.
    fn reshare(&mut self) {
        let share = OfflineShare {
            percent: [0, 10, 10, 50, 50, 50][self.random.index(6)],
            slots: u32::try_from(self.random.between(1, 4)).unwrap(),
            outage_max: Duration::from_secs(self.random.between(5, 15)),
        };
        self.share(Some(share).filter(|share| share.percent > 0));
        for replica in &mut self.replicas {
            if self.random.chance(0.3) {
                replica.cut_off_until = self.now + self.random.between(SECOND, 15 * SECOND);
            }
        }
        if self.random.chance(0.5) {
            self.database_goes = Some(self.now + 2 * SECOND);
        }
    }

    /// Other D and L.
    pub(super) fn reconfigure(&mut self) {
        for limit in &mut self.limits {
            limit.rev += 1;
            let window = limit.span.length();
            let mut share = |divisor: u32| {
                let part = window / divisor;
                self.random
                    .chance(0.7)
                    .then(|| part.mul_f64(self.random.unit().max(0.05)))
            };
            limit.validity = share(4);
            limit.start_within = share(2);
            let row = self.database.state.limits.get_mut(&limit.uid).unwrap();
            row.limit = limit.clone();
        }
        for replica in &mut self.replicas {
            replica.reconfigure(&self.limits);
        }
    }
}
