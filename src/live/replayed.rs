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
    /// By caller and number.
    callers: HashMap<Uuid, HashMap<u64, Again>>,
    count: usize,
}

/// A lease that was given again.
#[derive(Debug)]
struct Again {
    /// Until then it matters.
    until: BootTime,
    /// Something was said of it that may be older than its last answer.
    is_doubted: bool,
}

impl Replayed {
    /// A lease is to be given again, which matters until `until`. False if anything was reported on it: what was not used of it may be
    /// somebody else's by now.
    ///
    /// # Errors
    /// When there is no room.
    pub fn give_again(
        &self,
        caller: Uuid,
        serial: u64,
        reports: &Reports,
        until: BootTime,
        now: BootTime,
    ) -> Result<bool, Full> {
        // Noted before the reports are looked at: of a report and a replay that come at once, one then knows of the other.
        self.note(caller, serial, until, now)?;
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
        let again = leases.entry(serial).or_insert(Again {
            until,
            is_doubted: false,
        });
        again.until = until.max(again.until);
        state.count += usize::from(!is_known);
        Ok(())
    }

    /// Whether a report may be older than the last answer that gave its lease, which is then used whatever the report says: one that came
    /// by another replica, and one that says of uses that they were not sent. That may have been on its way for long, and whoever had sent
    /// it asked again meanwhile.
    #[must_use]
    pub fn doubts(
        &self,
        caller: Uuid,
        serial: u64,
        came_elsewhere: bool,
        outcomes: &[Judged],
    ) -> bool {
        if !came_elsewhere && !outcomes.iter().any(Judged::is_not_sent) {
            return false;
        }
        let mut state = self.state.lock();
        let again = state.get_mut(caller, serial);
        again.is_some_and(|again| {
            again.is_doubted = true;
            true
        })
    }

    /// Whether something that is in doubt was said of a lease.
    #[must_use]
    pub fn is_doubted(&self, serial: u64) -> bool {
        let state = self.state.lock();
        let mut leases = state
            .callers
            .values()
            .filter_map(|leases| leases.get(&serial));
        leases.any(|again| again.is_doubted)
    }

    /// All uses of a lease have been reported: it matters no more whether it was given again. False where some of that is in doubt, so
    /// that its caller may have it until it ends by itself.
    #[must_use]
    pub fn end(&self, caller: Uuid, serial: u64) -> bool {
        let mut state = self.state.lock();
        if state.get_mut(caller, serial).is_some_and(|a| a.is_doubted) {
            return false;
        }
        state.forget(caller, serial);
        true
    }

    /// A lease goes on until then. True where what was reported of it is in doubt, so that its caller may have all of it still.
    #[must_use]
    pub fn goes_on(&self, caller: Uuid, serial: u64, until: BootTime) -> bool {
        let mut state = self.state.lock();
        let again = state.get_mut(caller, serial);
        again.is_some_and(|again| {
            again.until = until.max(again.until);
            again.is_doubted
        })
    }
}

impl State {
    fn get_mut(&mut self, caller: Uuid, serial: u64) -> Option<&mut Again> {
        self.callers.get_mut(&caller)?.get_mut(&serial)
    }

    fn forget(&mut self, caller: Uuid, serial: u64) {
        let Some(leases) = self.callers.get_mut(&caller) else {
            return;
        };
        self.count -= usize::from(leases.remove(&serial).is_some());
        if leases.is_empty() {
            self.callers.remove(&caller);
        }
    }

    /// Whether one more finds room, which what matters no more has to leave first.
    fn has_room(&mut self, caller: Uuid, now: BootTime) -> bool {
        let count = |state: &Self| state.callers.get(&caller).map_or(0, HashMap::len);
        if count(self) >= LEASES_OF_CALLER_MAX || self.count >= LEASES_MAX {
            for leases in self.callers.values_mut() {
                leases.retain(|_, again| now < again.until);
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

    fn has(replayed: &Replayed, caller: Uuid, serial: u64) -> bool {
        replayed.state.lock().get_mut(caller, serial).is_some()
    }

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
        assert!(has(&replayed, ONE, 0) && !has(&replayed, ONE, 1));
        assert!(!has(&replayed, TWO, 0), "each caller has its own");
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
        assert!(replayed.end(ONE, 8) && replayed.end(TWO, 7));
        assert!(has(&replayed, ONE, 7));
        assert!(replayed.end(ONE, 7));
        assert!(!has(&replayed, ONE, 7));
        let state = replayed.state.lock();
        assert!(state.callers.is_empty() && state.count == 0);
    }

    #[test]
    fn what_is_in_doubt_is_kept_for_as_long_as_its_lease_goes_on() {
        let replayed = Replayed::default();
        assert!(!replayed.doubts(ONE, 7, true, &[]));
        replayed.note(ONE, 7, at(5), at(1)).unwrap();
        assert!(!replayed.goes_on(ONE, 7, at(4)));
        assert!(!replayed.doubts(ONE, 7, false, &[]));
        assert!(replayed.doubts(ONE, 7, true, &[]));
        assert!(!replayed.end(ONE, 7) && replayed.goes_on(ONE, 7, at(9)));
        assert!(replayed.is_doubted(7) && !replayed.is_doubted(8));
        assert!(!replayed.goes_on(ONE, 8, at(9)) && !replayed.goes_on(TWO, 7, at(9)));
        let kept = |now| {
            for serial in 100..100 + LEASES_OF_CALLER_MAX as u64 {
                let _ = replayed.note(ONE, serial, at(2), now);
            }
            has(&replayed, ONE, 7)
        };
        assert!(kept(at(8)) && !kept(at(9)));
    }
}
