//! Keys whose rotation interval has ended, from memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use uuid::Uuid;

use super::Vault;
use crate::domain::account::Account;
use crate::domain::key::{Key, Stage};
use crate::domain::pool::Target;
use crate::domain::rotation::interval_in_force;
use crate::live::snapshot::Snapshot;

impl Vault {
    /// How many keys of each account are overdue; accounts without any are there with zero.
    #[must_use]
    pub fn overdue(&self) -> BTreeMap<String, u64> {
        let snapshot = self.live.snapshot();
        let now = self.live.now().database;
        let intervals = Intervals::of(&snapshot);
        let accounts = snapshot.accounts.values();
        let mut overdue: BTreeMap<String, u64> = accounts
            .map(|entry| (entry.account.id.to_string(), 0))
            .collect();
        for version in snapshot.versions.values() {
            let Some(account) = snapshot.accounts.get(&version.key.account_uid) else {
                continue;
            };
            let account = &account.account;
            let interval = intervals.in_force(&version.key, account);
            let promoted = version.version.promote_time;
            let is_due = promoted.is_some_and(|at| at.after(interval) <= now);
            if version.version.stage == Stage::Current && is_due {
                *overdue.entry(account.id.to_string()).or_default() += 1;
            }
        }
        overdue
    }
}

/// The shortest interval of the pools that name an account or key.
pub(super) struct Intervals(HashMap<Uuid, Duration>);

impl Intervals {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut shortest: HashMap<Uuid, Duration> = HashMap::new();
        for entry in snapshot.pools.values() {
            let Some(interval) = entry.pool.rotation_interval else {
                continue;
            };
            for member in &entry.pool.members {
                let (Target::Account(uid) | Target::Key(uid)) = member.target;
                let known = shortest.entry(uid).or_insert(interval);
                *known = interval.min(*known);
            }
        }
        Self(shortest)
    }

    /// The interval that a key is to be rotated in.
    pub(super) fn in_force(&self, key: &Key, account: &Account) -> Duration {
        let of_pool = |uid: Uuid| self.0.get(&uid).copied();
        let pools = of_pool(key.meta.uid)
            .into_iter()
            .chain(of_pool(account.meta.uid));
        interval_in_force(key.rotation_interval, account.rotation_interval, pools)
    }
}
