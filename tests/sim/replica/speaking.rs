//! What a replica says to the database, by the looks and sayings of production: a few transactions at a time.

use std::collections::VecDeque;

use keylease::domain::ledger::standing::Replication;
use keylease::live::late::Late;
use keylease::live::ledger::Said;
use keylease::live::looking::{Look, Looking};
use keylease::live::saying::{Part, Reply, Saying, TRANSACTIONS_MAX};

use super::*;
use crate::database::is_ready;

/// Names what is said together.
pub(crate) type Number = u64;

/// What was said and is not answered.
#[derive(Default)]
pub(super) struct Speaking {
    looking: Looking,
    said: Number,
    /// What waits for room.
    queue: VecDeque<(Number, Saying)>,
    /// In transactions.
    under_way: BTreeMap<Number, (Saying, Part)>,
    late: BTreeMap<Number, Late>,
}

impl Replica {
    /// What there is to say now, if it is time to look.
    pub(crate) fn look(&mut self, time: Time) -> Vec<Said> {
        let now = self.clock.at(time);
        let is_urged = is_ready(self.live.ledger.urged());
        if !is_urged && self.looks_at().is_none_or(|at| now < at) {
            return Vec::new();
        }
        let is_behind = self.is_under_way() > TRANSACTIONS_MAX;
        let looking = &mut self.speaking.looking;
        match looking.look(is_behind, now) {
            Look::Nothing => Vec::new(),
            Look::Asked => self.gather(true, now),
            Look::All => {
                looking.looked(now, now);
                self.gather(false, now)
            }
        }
    }

    /// Every block is closed, and said for the last time.
    pub(crate) fn say_last(&mut self, time: Time) -> Vec<Said> {
        self.live.ledger.close_all();
        self.gather(false, self.clock.at(time))
    }

    fn gather(&mut self, is_asked: bool, now: BootTime) -> Vec<Said> {
        let ledger = &self.live.ledger;
        ledger.trust(match self.is_paced {
            true => self.replication,
            false => Replication::Synchronous,
        });
        let mut said = match is_asked {
            true => ledger.gather_asked(now),
            false => ledger.gather(now),
        };
        self.mislead(&mut said);
        said
    }

    /// When it looks by itself.
    pub(super) fn looks_at(&self) -> Option<BootTime> {
        (!self.live.ledger.is_idle()).then(|| self.speaking.looking.next())
    }

    /// This is to be said, together.
    pub(crate) fn say(&mut self, said: Vec<Said>) -> Number {
        let speaking = &mut self.speaking;
        speaking.said += 1;
        let number = speaking.said;
        speaking.late.insert(number, Late::of(&said));
        speaking.queue.push_back((number, Saying::new(said)));
        number
    }

    /// The next transaction, if there is room for it.
    pub(crate) fn begin(&mut self) -> Option<Number> {
        let speaking = &mut self.speaking;
        if speaking.under_way.len() >= TRANSACTIONS_MAX {
            return None;
        }
        let (number, mut saying) = speaking.queue.pop_front()?;
        let part = saying.next_part()?;
        speaking.under_way.insert(number, (saying, part));
        Some(number)
    }

    /// What a transaction says, and whether it waits for rows that others hold.
    pub(crate) fn part(&self, number: Number) -> (Vec<Work>, bool) {
        let (_, part) = &self.speaking.under_way[&number];
        let works = part.said.iter().map(|(_, work)| work.clone());
        (works.collect(), part.waits)
    }

    /// A transaction has ended. True if another follows of what was said together.
    pub(crate) fn heard(&mut self, number: Number, mut reply: Reply, time: Time) -> bool {
        let now = self.clock.at(time);
        if let Reply::Done(answers) = &mut reply {
            for (limit, answer) in answers {
                *answer = answer.map(|answer| self.misread(*limit, answer, now));
            }
        }
        let speaking = &mut self.speaking;
        let (mut saying, part) = speaking.under_way.remove(&number).unwrap();
        saying.heard(part, &reply, &self.live.ledger, now);
        if let Some(part) = saying.next_part() {
            speaking.under_way.insert(number, (saying, part));
            return true;
        }
        speaking.late.remove(&number);
        self.live.ledger.has_room();
        false
    }

    /// What is not answered yet, is late.
    pub(crate) fn is_late(&self, number: Number) {
        if let Some(late) = self.speaking.late.get(&number) {
            late.tell();
        }
    }

    /// How much of what was said is not answered.
    pub(crate) fn is_under_way(&self) -> usize {
        self.speaking.queue.len() + self.speaking.under_way.len()
    }

    /// When it does something by itself.
    pub(crate) fn due_at(&self) -> Option<BootTime> {
        self.waiting
            .until()
            .into_iter()
            .chain(self.looks_at())
            .min()
    }
}
