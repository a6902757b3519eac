//! What verdicts took out of a pool within the last minute, with running sums: a death costs the same however many others there are.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use super::WINDOW;
use crate::domain::time::Timestamp;

/// What a verdict takes out of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Whose it is.
    pub account: Uuid,
    /// The version; of an account that is closed, none: all its keys are lost.
    pub version: Option<Uuid>,
    /// Keys of the pool that it takes.
    pub keys: usize,
}

/// The losses of a minute.
#[derive(Debug, Default)]
pub(super) struct Burst {
    accounts: HashMap<Uuid, OfAccount>,
    /// The oldest first. Versions whose account was lost since are still in it.
    order: VecDeque<(Timestamp, Loss)>,
    keys: usize,
    verdicts: usize,
}

/// Of an account either the whole is lost, or versions are.
#[derive(Debug, Default)]
struct OfAccount {
    is_whole: bool,
    /// Each with the keys that it takes.
    versions: HashMap<Uuid, usize>,
}

impl Burst {
    /// Adds a loss, unless it is counted already: the same one again adds nothing, nor does a version whose account is lost.
    pub(super) fn add(&mut self, loss: Loss, now: Timestamp) {
        self.forget(now);
        let held = self.accounts.entry(loss.account).or_default();
        if held.is_whole {
            return;
        }
        match loss.version {
            Some(version) if held.versions.contains_key(&version) => return,
            Some(version) => drop(held.versions.insert(version, loss.keys)),
            None => {
                held.is_whole = true;
                self.verdicts = self.verdicts.saturating_sub(held.versions.len());
                let keys: usize = held.versions.drain().map(|(_, keys)| keys).sum();
                self.keys = self.keys.saturating_sub(keys);
            }
        }
        self.verdicts += 1;
        self.keys += loss.keys;
        self.order.push_back((now, loss));
    }

    /// How many verdicts took out how many keys.
    pub(super) const fn sums(&self) -> (usize, usize) {
        (self.verdicts, self.keys)
    }

    /// The versions, and the accounts all of whose keys are lost.
    pub(super) fn subjects(&self, now: Timestamp) -> impl Iterator<Item = Uuid> + '_ {
        let lately = move |(at, _): &&(Timestamp, Loss)| now.since(*at) < WINDOW;
        let subjects = self.order.iter().filter(lately);
        let subjects = subjects.map(|(_, loss)| loss.version.unwrap_or(loss.account));
        subjects.collect::<HashSet<_>>().into_iter()
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((_, loss)) = self.order.pop_front_if(|(at, _)| now.since(*at) >= WINDOW) {
            self.take(loss);
        }
    }

    fn take(&mut self, loss: Loss) {
        let Some(held) = self.accounts.get_mut(&loss.account) else {
            return;
        };
        let is_held = match loss.version {
            Some(version) => held.versions.remove(&version).is_some(),
            None => std::mem::take(&mut held.is_whole),
        };
        if is_held {
            self.verdicts = self.verdicts.saturating_sub(1);
            self.keys = self.keys.saturating_sub(loss.keys);
        }
        if !held.is_whole && held.versions.is_empty() {
            self.accounts.remove(&loss.account);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}
