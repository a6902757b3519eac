//! Replicas that end in order, and come back.

use super::*;

/// From the signal until no call is taken any more.
const DRAIN: Time = SECOND;
/// How often it is looked whether the last answers have come.
const LOOK: Time = 50 * MILLI;

impl World<'_> {
    /// One replica after the other is told to end.
    pub(super) fn roll(&mut self, index: usize) {
        let boot = self.replicas[index].boot_id;
        self.after(0, Event::Drain(index, boot));
        let every = nanos(self.setup.rolling.unwrap_or_default());
        let next = (index + 1) % self.replicas.len();
        self.after(every, Event::Roll(next));
    }

    pub(super) fn drain(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) && self.replicas[index].end.is_none() {
            self.replicas[index].drain();
            self.after(DRAIN, Event::Close(index, boot));
        }
    }

    /// Sends on what was reported last.
    pub(super) fn close(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) {
            self.replicas[index].close();
            self.carry(index);
            self.after(LOOK, Event::Leave(index, boot));
        }
    }

    /// When all that it has said was answered, returns every block; when that was answered, it ends.
    pub(super) fn leave(&mut self, index: usize, boot: Uuid) {
        if !self.is_up(index, boot) {
            return;
        }
        let replica = &mut self.replicas[index];
        let is_heard = replica.is_under_way() == 0;
        if is_heard && replica.end == Some(End::Closing) {
            replica.end = Some(End::Closed);
            let said = replica.say_last(self.now);
            self.say(index, said);
        } else if is_heard {
            self.end(index, boot);
            return;
        }
        self.after(LOOK, Event::Leave(index, boot));
    }

    fn end(&mut self, index: usize, boot: Uuid) {
        if !self.is_cut_off(index) {
            self.database.leave(boot);
        }
        self.replicas[index].is_alive = false;
        let delay = self.random.between(SECOND, 4 * SECOND);
        self.after(delay, Event::Boot(index));
    }
}
