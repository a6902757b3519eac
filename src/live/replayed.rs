//! Leases that were given again: what is said of them may have been said before that, so that nothing comes back of them.

use std::collections::HashMap;

use parking_lot::Mutex;
use uuid::Uuid;

use super::replays::Full;
use super::reports::Reports;
use crate::domain::judged::Judged;
use crate::domain::time::BootTime;

/// The most leases of one caller: one caller alone cannot use up the room of all.
const LEASES_OF_CALLER_MAX: usize = 16_384;
/// The most leases.
const LEASES_MAX: usize = 65_536;

/// Leases that were given again.
#[derive(Debug, Default)]
pub struct Replayed {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By caller and number: until when it matters.
    callers: HashMap<Uuid, HashMap<u64, BootTime>>,
    count: usize,
}

impl Replayed {
    /// A lease is to be given again, which matters until `until`, if at all. False if anything was reported on it: what was not used of
    /// it may be somebody else's by now.
    ///
    /// # Errors
    /// When there is no room.
    pub fn give_again(
        &self,
        caller: Uuid,
        serial: u64,
        reports: &Reports,
        until: Option<BootTime>,
        now: BootTime,
    ) -> Result<bool, Full> {
        // Noted before the reports are looked at: of a report and a replay that come at once, one then knows of the other.
        if let Some(until) = until {
            self.note(caller, serial, until, now)?;
        }
        Ok(!reports.has(serial))
    }

    fn note(&self, caller: Uuid, serial: u64, until: BootTime, now: BootTime) -> Result<(), Full> {
        let mut state = self.state.lock();
        let of_caller = state.callers.get(&caller);
        let is_known = of_caller.is_some_and(|leases| leases.contains_key(&serial));
        if !is_known && !state.has_room(caller, now) {
            return Err(Full);
        }
        let leases = state.callers.entry(caller).or_default();
        let kept = leases.entry(serial).or_insert(until);
        *kept = until.max(*kept);
        state.count += usize::from(!is_known);
        Ok(())
    }

    /// Whether a report may be older than the last answer that gave its lease, which is then used whatever the report says: one that came
    /// by another replica, and one that says of uses that they were not sent. That may have been on its way for long, and whoever had sent
    /// it asked again meanwhile.
    #[must_use]
    pub fn is_in_doubt(
        &self,
        caller: Uuid,
        serial: u64,
        came_elsewhere: bool,
        outcomes: &[Judged],
    ) -> bool {
        (came_elsewhere || outcomes.iter().any(Judged::is_not_sent)) && self.has(caller, serial)
    }

    /// Whether a lease was given again.
    fn has(&self, caller: Uuid, serial: u64) -> bool {
        let state = self.state.lock();
        let leases = state.callers.get(&caller);
        leases.is_some_and(|leases| leases.contains_key(&serial))
    }

    /// All uses of a lease have been settled: nothing that is said of it changes anything any more.
    pub fn forget(&self, caller: Uuid, serial: u64) {
        let mut state = self.state.lock();
        let Some(leases) = state.callers.get_mut(&caller) else {
            return;
        };
        let was_known = leases.remove(&serial).is_some();
        if leases.is_empty() {
            state.callers.remove(&caller);
        }
        state.count -= usize::from(was_known);
    }
}

impl State {
    /// Whether one more finds room, which what matters no more has to leave first.
    fn has_room(&mut self, caller: Uuid, now: BootTime) -> bool {
        let count = |state: &Self| state.callers.get(&caller).map_or(0, HashMap::len);
        if count(self) >= LEASES_OF_CALLER_MAX || self.count >= LEASES_MAX {
            for leases in self.callers.values_mut() {
                leases.retain(|_, until| now < *until);
            }
            self.callers.retain(|_, leases| !leases.is_empty());
            self.count = self.callers.values().map(HashMap::len).sum();
        }
        count(self) < LEASES_OF_CALLER_MAX && self.count < LEASES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);

    const fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn one_caller_has_only_its_own_room_until_what_it_replayed_matters_no_more() {
        let replayed = Replayed::default();
        for serial in 0..LEASES_OF_CALLER_MAX as u64 {
            replayed.note(ONE, serial, at(5), at(1)).unwrap();
        }
        let more = LEASES_OF_CALLER_MAX as u64;
        assert_eq!(replayed.note(ONE, more, at(9), at(4)), Err(Full));
        replayed.note(ONE, 0, at(6), at(4)).unwrap();
        replayed.note(TWO, more, at(9), at(4)).unwrap();
        replayed.note(ONE, more, at(9), at(5)).unwrap();
        assert!(replayed.has(ONE, 0) && !replayed.has(ONE, 1));
        assert!(!replayed.has(TWO, 0), "each caller has its own");
        assert_eq!(replayed.state.lock().count, 3);
    }

    #[test]
    fn all_callers_together_have_so_much_room() {
        let replayed = Replayed::default();
        for serial in 0..LEASES_MAX as u64 {
            let caller = Uuid::from_u128(u128::from(serial % 8));
            replayed.note(caller, serial, at(5), at(1)).unwrap();
        }
        let stranger = Uuid::from_u128(9);
        assert_eq!(replayed.note(stranger, 1, at(9), at(4)), Err(Full));
        replayed.note(stranger, 1, at(9), at(5)).unwrap();
        assert_eq!(replayed.state.lock().count, 1);
    }

    #[test]
    fn what_is_settled_leaves_its_room() {
        let replayed = Replayed::default();
        replayed.note(ONE, 7, at(5), at(1)).unwrap();
        replayed.forget(ONE, 8);
        replayed.forget(TWO, 7);
        assert!(replayed.has(ONE, 7));
        replayed.forget(ONE, 7);
        assert!(!replayed.has(ONE, 7));
        let state = replayed.state.lock();
        assert!(state.callers.is_empty() && state.count == 0);
    }
}
