//! Room for watches: each reads the database at every interval, so they are few, and no caller takes all of them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::vault::Refusal;

/// The most watches of one replica.
const WATCHES_MAX: usize = 32;
/// The most of them of one caller.
const OF_CALLER_MAX: usize = 4;

/// Who watches, by uid, and how often.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats {
    taken: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// Room for one watch, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    caller: Uuid,
    seats: Seats,
}

impl Seats {
    /// Takes room for one more watch of this caller.
    pub(super) fn seat(&self, caller: Uuid) -> Result<Seat, Refusal> {
        let mut taken = self.taken.lock();
        let full = |max, whom| Err(Refusal::TooManyWatches { max, whom });
        if taken.get(&caller).is_some_and(|of| *of >= OF_CALLER_MAX) {
            return full(OF_CALLER_MAX, "this caller");
        }
        if taken.values().sum::<usize>() >= WATCHES_MAX {
            return full(WATCHES_MAX, "all callers");
        }
        *taken.entry(caller).or_default() += 1;
        Ok(Seat {
            caller,
            seats: self.clone(),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock();
        if let Some(of) = taken.get_mut(&self.caller) {
            *of -= 1;
            if *of == 0 {
                taken.remove(&self.caller);
            }
        }
    }
}
