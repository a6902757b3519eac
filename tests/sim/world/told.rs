//! Callers who come back when they were told to. Nobody else calls until then, so that only demand to come can take what they lack.

use super::*;

/// What refused callers were told.
#[derive(Default)]
pub(super) struct Promises {
    /// When the one that comes back does.
    back: Option<Time>,
    /// Somebody else was given a lease meanwhile: who had called before.
    is_taken: bool,
    /// Those that were given a lease then.
    pub(super) kept: usize,
    /// Those that were refused once more, though nobody else was given any.
    pub(super) broken: usize,
}

impl Promises {
    /// Somebody is to come back.
    pub(super) fn is_open(&self) -> bool {
        self.back.is_some()
    }

    /// Whether this is who comes back, who does so only once.
    fn end(&mut self, call: &Call) -> bool {
        self.back.take_if(|back| *back == call.sent).is_some()
    }
}

impl World<'_> {
    /// A call was refused.
    pub(super) fn told(&mut self, mut call: Call, after: Duration) {
        if !self.setup.comes_back {
            return;
        }
        if self.promises.end(&call) {
            self.promises.broken += usize::from(!self.promises.is_taken);
        }
        if self.promises.is_open() {
            return;
        }
        let delay = nanos(after) + self.hop();
        call.sent = self.now + delay;
        self.promises.back = Some(call.sent);
        self.promises.is_taken = false;
        let index = self.random.index(self.replicas.len());
        self.after(delay, Event::Call(index, call));
    }

    /// A call was given a lease.
    pub(super) fn came_back(&mut self, given: &Given) {
        if self.promises.end(&given.call) {
            self.promises.kept += 1;
        }
        self.promises.is_taken = true;
    }
}
