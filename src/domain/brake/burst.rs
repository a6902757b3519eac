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
    proven: Sum,
    /// What one caller's word alone takes out, by caller.
    alleged: HashMap<Uuid, Sum>,
}

/// So many verdicts took out so many keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) verdicts: usize,
    pub(super) keys: usize,
}

/// Of an account either the whole is lost, or versions are.
#[derive(Debug, Default)]
struct OfAccount {
    is_whole: bool,
    /// Each with the keys that it takes, and by whose word alone.
    versions: HashMap<Uuid, (usize, Option<Uuid>)>,
}

impl Burst {
    /// Adds a loss, by one caller's word alone if that is named, unless it is counted already: the same one again adds nothing but that it is
    /// proven, nor does a version whose account is lost.
    pub(super) fn add(&mut self, loss: Loss, alleged_by: Option<Uuid>, now: Timestamp) {
        self.forget(now);
        let held = self.accounts.entry(loss.account).or_default();
        if held.is_whole {
            return;
        }
        match loss.version {
            Some(version) => match held.versions.get_mut(&version) {
                Some((keys, by)) if by.is_some() && alleged_by.is_none() => {
                    let (keys, by) = (*keys, by.take());
                    self.subtract(keys, by);
                    self.count(keys, None);
                    return;
                }
                Some(_) => return,
                None => drop(held.versions.insert(version, (loss.keys, alleged_by))),
            },
            None => {
                held.is_whole = true;
                let versions = std::mem::take(&mut held.versions);
                for (keys, by) in versions.into_values() {
                    self.subtract(keys, by);
                }
            }
        }
        // That an account is closed is proven before it is lost.
        self.count(loss.keys, alleged_by.filter(|_| loss.version.is_some()));
        self.order.push_back((now, loss));
    }

    /// What is proven; and what callers allege, where more than one of them does: what one alone makes is no burst.
    pub(super) fn sum(&self) -> Sum {
        let mut sum = self.proven;
        if self.alleged.len() > 1 {
            for alleged in self.alleged.values() {
                sum.verdicts += alleged.verdicts;
                sum.keys += alleged.keys;
            }
        }
        sum
    }

    /// Who alleges any of it.
    pub(super) fn accusers(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.alleged.keys().copied()
    }

    fn count(&mut self, keys: usize, alleged_by: Option<Uuid>) {
        let sum = match alleged_by {
            Some(by) => self.alleged.entry(by).or_default(),
            None => &mut self.proven,
        };
        sum.verdicts += 1;
        sum.keys += keys;
    }

    fn subtract(&mut self, keys: usize, alleged_by: Option<Uuid>) {
        let Some(by) = alleged_by else {
            self.proven.verdicts = self.proven.verdicts.saturating_sub(1);
            self.proven.keys = self.proven.keys.saturating_sub(keys);
            return;
        };
        if let Some(sum) = self.alleged.get_mut(&by) {
            sum.verdicts = sum.verdicts.saturating_sub(1);
            sum.keys = sum.keys.saturating_sub(keys);
            if sum.verdicts == 0 {
                self.alleged.remove(&by);
            }
        }
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
        let lost = match loss.version {
            Some(version) => held.versions.remove(&version),
            None => std::mem::take(&mut held.is_whole).then_some((loss.keys, None)),
        };
        if !held.is_whole && held.versions.is_empty() {
            self.accounts.remove(&loss.account);
        }
        if let Some((keys, by)) = lost {
            self.subtract(keys, by);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}
