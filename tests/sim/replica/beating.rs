//! What a replica does once a second: its heart beats, and it reads what has changed.

use keylease::live::heartbeat::Heart;
use keylease::live::idle;
use keylease::store::replicas::Enrolment;

use super::*;
use crate::database::{Answering, Database, ready};

/// After so many heartbeats, limits are looked at that nobody asks for: once a minute.
const IDLE_EVERY: i64 = 60;

impl Replica {
    /// A heartbeat, `sent` then and answered now; if its answer is lost, nothing is learnt from it.
    pub(crate) fn beat(
        &mut self,
        database: &mut Database,
        sent: BootTime,
        is_lost: bool,
        time: Time,
    ) {
        let now = self.clock.at(time);
        let answering = Answering::new(database, (sent, now), is_lost, time);
        let (live, replication) = (Arc::clone(&self.live), self.replication);
        let heart = Heart::new(live, answering, enrolment(), replication);
        if ready(heart.beat()).is_err() {
            return;
        }
        drop(heart);
        if self.live.life.memory().beats % IDLE_EVERY == 0 {
            let answering = Answering::new(database, (now, now), false, time);
            ready(idle::move_clocks(&self.live, &answering)).unwrap();
        }
        self.read = sent;
        self.read_limits(&database.limits());
    }

    /// As a poll does.
    fn read_limits(&mut self, limits: &[Limit]) {
        let mut both = limits.iter().zip(&self.limits);
        let is_news = both.any(|(read, known)| read.rev > known.rev);
        if is_news || !self.live.is_of_epoch() {
            self.registry.epoch = self.live.life.epoch();
            self.reconfigure(limits);
        } else {
            self.live.learned(None, self.read);
        }
    }
}

fn enrolment() -> Enrolment {
    Enrolment {
        address: String::new(),
        version: "",
        formats: 1,
        serves: Duration::ZERO,
    }
}
