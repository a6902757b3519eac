//! Rows that were read and are not believed, or that this release cannot read. Nothing is leased from them; they are remembered so that a lease refused for their sake
//! can say so, and a metric can count them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::registry::Registry;
use super::snapshot::Lacking;
use crate::domain::id::Id;
use crate::domain::key::Stage;
use crate::domain::pool::{Pool, Target};

/// Rows that are not believed, by uid.
#[derive(Debug, Default)]
pub struct Distrusted {
    /// Accounts, by what their rows call them, if that is a name.
    pub accounts: HashMap<Uuid, Option<Id>>,
    /// Limits that cannot be read, each with the owner that its row names.
    pub limits: HashMap<Uuid, Uuid>,
    /// Keys, each with the account that its row names, and by what the row calls it, if that is a name.
    pub keys: HashMap<Uuid, (Uuid, Option<Id>)>,
    /// Pools, by what their rows call them, if that is a name.
    pub pools: HashMap<Uuid, Option<Id>>,
    /// How many members of a pool.
    pub members: HashMap<Uuid, usize>,
    /// Callers.
    pub callers: HashMap<Uuid, ()>,
    /// How many grants of a caller.
    pub grants: HashMap<Uuid, usize>,
    /// Tokens.
    pub tokens: HashMap<Uuid, ()>,
}

impl Distrusted {
    /// A row is gone. Uids are never reused, so its table need not be known.
    pub fn forget(&mut self, uid: Uuid) {
        self.accounts.remove(&uid);
        self.limits.remove(&uid);
        self.keys.remove(&uid);
        self.pools.remove(&uid);
        self.members.remove(&uid);
        self.callers.remove(&uid);
        self.grants.remove(&uid);
        self.tokens.remove(&uid);
    }
}

/// Notes what a row is worth: some of it where it is not believed, nothing where it is.
pub fn note<T>(rows: &mut HashMap<Uuid, T>, uid: Uuid, distrusted: Option<T>) {
    match distrusted {
        Some(known) => drop(rows.insert(uid, known)),
        None => drop(rows.remove(&uid)),
    }
}

impl Registry {
    /// How many rows are not believed, by kind; every kind is there.
    #[must_use]
    pub fn distrusted_rows(&self) -> [(&'static str, usize); 9] {
        let rows = &self.distrusted;
        let unopened = self.versions.values().filter(|known| {
            let key = self.keys.get(&known.version.key_uid);
            let is_believed = key.is_some_and(|key| self.accounts.contains_key(&key.account_uid));
            is_believed && known.version.stage == Stage::Current && known.credential.is_none()
        });
        [
            ("account", rows.accounts.len()),
            ("limit", rows.limits.len()),
            ("key", rows.keys.len()),
            ("version", unopened.count()),
            ("pool", rows.pools.len()),
            ("pool_member", rows.members.values().sum()),
            ("caller", rows.callers.len()),
            ("grant", rows.grants.values().sum()),
            ("token", rows.tokens.len()),
        ]
    }

    /// What a pool lacks since it is not believed, by name as far as that is known: keys, and members as they stand.
    pub(super) fn distrusted_of(&self, pool: &Pool) -> Vec<Lacking> {
        let rows = &self.distrusted;
        let members = rows.members.get(&pool.meta.uid).copied().unwrap_or(0);
        let mut lacking = vec![Lacking::default(); members];
        if rows.accounts.is_empty() && rows.keys.is_empty() {
            return lacking;
        }
        let (mut whole, mut single) = (HashSet::new(), HashSet::new());
        for member in &pool.members {
            match member.target {
                Target::Account(uid) => whole.insert(uid),
                Target::Key(uid) => single.insert(uid),
            };
        }
        let believed = self
            .keys
            .values()
            .map(|key| (key.meta.uid, key.account_uid, Some(&key.id)));
        let believed = believed.filter(|(_, account, _)| rows.accounts.contains_key(account));
        let doubted = rows.keys.iter();
        let doubted = doubted.map(|(key, (account, id))| (*key, *account, id.as_ref()));
        let of_pool = believed
            .chain(doubted)
            .filter(|(key, account, _)| single.contains(key) || whole.contains(account));
        lacking.extend(of_pool.map(|(_, account, id)| Lacking {
            account: self.account_id(account),
            key: id.cloned(),
        }));
        lacking
    }

    fn account_id(&self, uid: Uuid) -> Option<Id> {
        let believed = self.accounts.get(&uid).map(|account| account.id.clone());
        believed.or_else(|| self.distrusted.accounts.get(&uid).cloned().flatten())
    }
}
