//! Keys that were dead, and leave most of their turns to others while they grow back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::live::snapshot::{Candidate, PoolEntry, Run, Stretch, Tier};
use crate::live::unserved::{Told, Unserved};

/// The most stretches that one call leaves aside. What finds no place has its turn at once: it serves a little more than its share, and
/// no key is forgotten.
const HELD_BACK_MAX: usize = 64;

/// What one call leaves aside of them, until no other key can serve.
#[derive(Debug)]
pub(super) struct Growing<'a> {
    ramp: Duration,
    held_back: Vec<Held<'a>>,
}

/// Neighbours that are left aside.
#[derive(Debug)]
struct Held<'a> {
    tier: &'a Tier,
    stretch: Stretch<'a>,
    /// What their account has said for all of them meanwhile.
    told: Option<Told>,
}

impl<'a> Growing<'a> {
    pub(super) fn new(pool: &PoolEntry) -> Self {
        Self {
            ramp: pool.pool.health_policy.recovery_ramp(),
            held_back: Vec::new(),
        }
    }

    /// Whether a key, by its place in its run, leaves this turn to others.
    pub(super) fn holds_back(
        &mut self,
        tier: &'a Tier,
        (run, place): (&'a Run, usize),
        candidate: &Candidate,
        now: Timestamp,
    ) -> bool {
        let version = candidate.version.as_ref();
        if !version.is_some_and(|v| v.live.is_held_back(self.ramp, now)) {
            return false;
        }
        if let Some(last) = self.held_back.last_mut()
            && is_of(last, run)
            && last.stretch.range.end == place
        {
            last.stretch.range.end += 1;
            return true;
        }
        if self.held_back.len() >= HELD_BACK_MAX {
            return false;
        }
        let range = place..place + 1;
        self.held_back.push(Held {
            tier,
            stretch: Stretch { run, range },
            told: None,
        });
        true
    }

    /// The account has said no for every key of this run: those that were just left aside need not be asked.
    pub(super) fn told(&mut self, run: &Run, told: Told) {
        let lately = self.held_back.iter_mut().rev();
        let of_run = lately.take_while(|held| is_of(held, run));
        of_run.for_each(|held| held.told = Some(told));
    }

    /// What grows back serves more than its share where no other can. The turn of its tier moves on by that, so that those take turns who
    /// grow back together.
    pub(super) fn serve<T>(
        self,
        unserved: &mut Unserved,
        mut ask: impl FnMut(&'a Candidate, &mut Unserved) -> Result<T, Told>,
    ) -> Option<T> {
        let mut last: Option<(&Run, Told)> = None;
        for Held {
            tier,
            stretch,
            told,
        } in self.held_back
        {
            let run = stretch.run;
            let known = last.filter(|(of, _)| std::ptr::eq(*of, run));
            let told = told.or(known.map(|(_, told)| told));
            if let Some(told) = told {
                unserved.skip(&stretch, stretch.range.start, told);
                continue;
            }
            for (place, candidate) in stretch.keys() {
                match ask(candidate, unserved) {
                    Ok(served) => {
                        tier.turns.fetch_add(1, Ordering::Relaxed);
                        return Some(served);
                    }
                    Err(told) if told.is_of_all => {
                        unserved.skip(&stretch, place + 1, told);
                        last = Some((run, told));
                        break;
                    }
                    Err(_) => {}
                }
            }
        }
        None
    }
}

fn is_of(held: &Held<'_>, run: &Run) -> bool {
    std::ptr::eq(held.stretch.run, run)
}

#[cfg(test)]
mod tests;
