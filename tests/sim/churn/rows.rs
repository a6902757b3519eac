//! The rows of a fleet: accounts with limits, keys with versions, and pools.

use std::sync::Arc;
use std::time::Duration;

use keylease::domain::id::Id;
use keylease::domain::key::Meta;
use keylease::domain::labels::Labels;
use keylease::domain::limit::{Dimension, Limit, Mode, Owner};
use keylease::domain::pool::{HealthPolicy, Member, Pool, Strategy, Target};
use keylease::domain::terms::Span;
use uuid::Uuid;

use super::fleet::Fleet;
use crate::entities;

impl Fleet {
    fn uid(&mut self) -> Uuid {
        self.uids += 1;
        Uuid::from_u128(self.uids)
    }

    fn meta(&mut self) -> Meta {
        let now = self.now().database;
        Meta::created(self.uid(), 1, Labels::default(), now)
    }

    pub(super) fn add_account(&mut self) {
        let meta = self.meta();
        let uid = meta.uid;
        let account = entities::account(id("a", uid), meta);
        self.registry.accounts.insert(uid, account);
        self.accounts.push(uid);
        self.add_limit(uid, Dimension::Requests, 1_000_000);
        self.add_limit(uid, Dimension::Tokens, 100_000_000);
        (0..self.extent.keys).for_each(|_| self.add_key(uid));
    }

    fn add_limit(&mut self, account: Uuid, dimension: Dimension, amount: u64) {
        let (uid, now) = (self.uid(), self.now().database);
        let limit = Limit {
            uid,
            rev: 1,
            owner: Owner::Account(account),
            id: id("l", uid),
            create_time: now,
            update_time: now,
            dimension,
            amount,
            span: Span::Rolling(Duration::from_mins(1)),
            mode: Mode::Enforce,
            models: Vec::new(),
            validity: None,
            start_within: None,
            blackout: None,
            offline: None,
        };
        self.registry.limits.insert(uid, Arc::new(limit));
    }

    pub(super) fn add_key(&mut self, account: Uuid) {
        let meta = self.meta();
        let uid = meta.uid;
        let key = entities::key(id("k", uid), meta, account);
        self.registry.keys.insert(uid, Arc::new(key));
        let version = self.add_version(account, uid, 1);
        self.keys.push((uid, version));
    }

    pub(super) fn add_version(&mut self, account: Uuid, key_uid: Uuid, number: u32) -> Uuid {
        let meta = self.meta();
        let uid = meta.uid;
        let known = entities::version(meta, &self.registry.accounts[&account], key_uid, number);
        self.registry.versions.insert(uid, known);
        uid
    }

    /// Over some accounts, of which some are gone later.
    pub(super) fn add_pool(&mut self) {
        let meta = self.meta();
        let members = (0..4).map(|tier| Member {
            target: Target::Account(self.accounts[self.random.index(self.accounts.len())]),
            tier: 1 + tier / 2,
            weight: 1,
        });
        let pool = Pool {
            members: members.collect(),
            id: id("p", meta.uid),
            meta,
            strategy: Strategy::RoundRobin,
            health_policy: HealthPolicy::default(),
            failure_rules: None,
            journal: keylease::domain::journal::Journaling::Rollup,
            default_estimate: None,
            rotation_interval: None,
            lease_duration: None,
            disablement: None,
        };
        self.pools.push(pool.id.clone());
        self.registry.pools.insert(pool.meta.uid, pool);
    }
}

fn id(kind: &str, uid: Uuid) -> Id {
    Id::parse("id", &format!("{kind}{}", uid.as_u128() as u64)).unwrap()
}
