//! Calls that named a request id, so that the same call sent again is answered with the same lease.
//!
//! One slot an id: whoever comes first fills it, and those who come meanwhile wait for that. Slots hold no secret.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::domain::time::BootTime;

/// The most request ids of one caller that are kept: one caller alone cannot use up the room of all.
const SLOTS_OF_CALLER_MAX: usize = 16_384;
/// The most request ids that are kept. One takes about a kilobyte.
const SLOTS_MAX: usize = 65_536;
/// How long an id is kept after its lease can no longer be started, so that a retry that comes too late is told so.
const KEPT_AFTER: Duration = Duration::from_mins(1);
/// How often the ids of all callers are looked through for those that need not be kept.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Calls by request id. `C` is what a call asks for, `L` what it was given.
#[derive(Debug)]
pub struct Replays<C, L> {
    state: Mutex<State<C, L>>,
}

/// A call that named a request id.
#[derive(Debug)]
pub struct Slot<C, L> {
    /// What the first call asked for.
    pub asked: C,
    /// What was given for it, once.
    pub given: OnceCell<L>,
    useful_until: AtomicU64,
}

/// No room is left: so many leases that can still be started were asked for by request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

#[derive(Debug)]
struct State<C, L> {
    callers: HashMap<Uuid, Recent<C, L>>,
    count: usize,
    swept: BootTime,
}

/// The ids of one caller.
#[derive(Debug)]
struct Recent<C, L> {
    by_id: HashMap<Arc<str>, Arc<Slot<C, L>>>,
    /// Oldest first.
    order: VecDeque<Arc<str>>,
}

impl<C, L> Default for Replays<C, L> {
    fn default() -> Self {
        let state = State {
            callers: HashMap::new(),
            count: 0,
            swept: BootTime::default(),
        };
        Self {
            state: Mutex::new(state),
        }
    }
}

impl<C, L> Slot<C, L> {
    /// What was given can be used until then.
    pub fn is_useful_until(&self, at: BootTime) {
        self.useful_until.store(at.nanos(), Ordering::Relaxed);
    }

    fn useful_until(&self) -> BootTime {
        BootTime::from_nanos(self.useful_until.load(Ordering::Relaxed))
    }
}

impl<C, L> Replays<C, L> {
    /// The slot of this caller's request id. A new one holds what `asked` says, and may be filled until `answered_by`.
    ///
    /// # Errors
    /// When there is no room.
    pub fn slot(
        &self,
        caller: Uuid,
        id: &str,
        asked: impl FnOnce() -> C,
        answered_by: BootTime,
        now: BootTime,
    ) -> Result<Arc<Slot<C, L>>, Full> {
        let mut state = self.state.lock();
        state.sweep(now);
        if let Some(slot) = state.callers.get(&caller).and_then(|r| r.by_id.get(id)) {
            return Ok(Arc::clone(slot));
        }
        if !state.has_room(caller, now) {
            return Err(Full);
        }
        let slot = Arc::new(Slot {
            asked: asked(),
            given: OnceCell::new(),
            useful_until: AtomicU64::new(answered_by.nanos()),
        });
        state.insert(caller, id, Arc::clone(&slot));
        Ok(slot)
    }
}

impl<C, L> State<C, L> {
    fn insert(&mut self, caller: Uuid, id: &str, slot: Arc<Slot<C, L>>) {
        let recent = self.callers.entry(caller).or_insert_with(|| Recent {
            by_id: HashMap::new(),
            order: VecDeque::new(),
        });
        let id: Arc<str> = Arc::from(id);
        recent.order.push_back(Arc::clone(&id));
        recent.by_id.insert(id, slot);
        self.count += 1;
    }

    /// Whether one more finds room, which what cannot be used any more has to leave first.
    fn has_room(&mut self, caller: Uuid, now: BootTime) -> bool {
        let of_caller = self.callers.get_mut(&caller);
        let of_caller = of_caller.map_or(0, |recent| {
            if recent.order.len() >= SLOTS_OF_CALLER_MAX {
                self.count -= recent.drop_old(|useful_until| useful_until < now);
            }
            recent.order.len()
        });
        if self.count >= SLOTS_MAX {
            self.drop_old(|useful_until| useful_until < now);
        }
        of_caller < SLOTS_OF_CALLER_MAX && self.count < SLOTS_MAX
    }

    fn sweep(&mut self, now: BootTime) {
        if now.since(self.swept) >= SWEEP_EVERY {
            self.swept = now;
            self.drop_old(|useful_until| useful_until.after(KEPT_AFTER) < now);
        }
    }

    fn drop_old(&mut self, is_old: impl Fn(BootTime) -> bool + Copy) {
        for recent in self.callers.values_mut() {
            self.count -= recent.drop_old(is_old);
        }
        self.callers.retain(|_, recent| !recent.order.is_empty());
    }
}

impl<C, L> Recent<C, L> {
    /// Drops the oldest, as long as they are old; says how many.
    fn drop_old(&mut self, is_old: impl Fn(BootTime) -> bool) -> usize {
        let before = self.order.len();
        while let Some(id) = self.order.front() {
            if self
                .by_id
                .get(id)
                .is_some_and(|s| !is_old(s.useful_until()))
            {
                break;
            }
            self.by_id.remove(id);
            self.order.pop_front();
        }
        before - self.order.len()
    }
}

#[cfg(test)]
mod tests;
