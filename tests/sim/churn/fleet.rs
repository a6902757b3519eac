//! The configuration of a fleet whose keys, accounts, pools and limits come and go, as one replica takes it up.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use keylease::domain::health::Health;
use keylease::domain::id::Id;
use keylease::domain::key::Stage;
use keylease::domain::limit::Owner;
use keylease::domain::time::{BootTime, Timestamp};
use keylease::live::Live;
use keylease::live::choose::Now;
use keylease::live::registry::Registry;
use uuid::Uuid;

use super::did::Did;
use super::traffic::Traffic;
use super::{CHANGE_EVERY, Extent};
use crate::random::Random;
use crate::time::{SECOND, Time};

/// A midnight in UTC.
const BEGIN: i64 = 1_700_006_400_000_000;
/// Of so many keys one is deleted and another made, and one is rotated, whenever the configuration changes.
const ONE_CHANGES_OF: usize = 100;

/// A fleet, and a replica of it.
pub(super) struct Fleet {
    pub(super) extent: Extent,
    pub(super) time: Time,
    pub(super) random: Random,
    pub(super) live: Arc<Live>,
    pub(super) did: Did,
    pub(super) pools: Vec<Id>,
    pub(super) registry: Registry,
    pub(super) accounts: Vec<Uuid>,
    /// Each with its current version.
    pub(super) keys: Vec<(Uuid, Uuid)>,
    /// Versions that were rotated out.
    previous: Vec<Uuid>,
    pub(super) uids: u128,
    traffic: Traffic,
}

impl Fleet {
    pub(super) fn new(extent: Extent) -> Self {
        let mut fleet = Self {
            extent,
            time: 3_600 * SECOND,
            random: Random::new(1),
            live: Live::new(Uuid::from_u128(1), Duration::from_mins(10)),
            did: Did::default(),
            pools: Vec::new(),
            registry: Registry::default(),
            accounts: Vec::new(),
            keys: Vec::new(),
            previous: Vec::new(),
            uids: 1 << 64,
            traffic: Traffic::new(),
        };
        (0..extent.accounts).for_each(|_| fleet.add_account());
        (0..extent.pools).for_each(|_| fleet.add_pool());
        fleet.take_up();
        fleet
    }

    pub(super) fn now(&self) -> Now {
        let micros = i64::try_from(self.time / 1_000).unwrap();
        Now {
            boot: BootTime::from_nanos(self.time),
            database: Timestamp::from_micros(BEGIN + micros),
        }
    }

    /// Goes on for so long.
    pub(super) fn runs(&mut self, length: Duration) {
        let end = self.time + u64::try_from(length.as_nanos()).unwrap();
        let change_every = u64::try_from(CHANGE_EVERY.as_nanos()).unwrap();
        while self.time < end {
            self.time += SECOND;
            if self.time.is_multiple_of(change_every) {
                self.change();
            }
            // It looks at all of the fleet, and is a part of it.
            let mut traffic = std::mem::replace(&mut self.traffic, Traffic::new());
            traffic.second(self, self.extent.leases);
            self.traffic = traffic;
        }
    }

    fn change(&mut self) {
        for previous in std::mem::take(&mut self.previous) {
            self.registry.versions.remove(&previous);
        }
        let changes = self.keys.len() / ONE_CHANGES_OF;
        let mut gone = HashSet::new();
        for _ in 0..changes {
            let at = self.random.index(self.keys.len());
            let (key, _) = self.keys.swap_remove(at);
            gone.insert(key);
            let account = self.registry.keys[&key].account_uid;
            self.add_key(account);
            self.rotate();
        }
        self.registry.forget_keys(&gone);
        self.revive();
        self.replace_account();
        let at = self.random.index(self.pools.len());
        let gone = self.pools.swap_remove(at);
        self.registry.pools.retain(|_, pool| pool.id != gone);
        self.add_pool();
        self.take_up();
        self.did.changes += changes;
    }

    /// Of versions that were dead for long enough, another replica's canary found that they are well.
    fn revive(&mut self) {
        let (snapshot, now) = (self.live.snapshot(), self.now().database);
        for version in snapshot.versions.values() {
            let health = version.live.health(now);
            if matches!(health, Health::Dead(_)) && health.cause().is_some_and(|c| c.until <= now) {
                version.live.told(&Health::Active, Some(now));
                self.did.revivals += 1;
            }
        }
    }

    fn take_up(&mut self) {
        let snapshot = self.registry.snapshot();
        self.live.learned(Some(snapshot), self.now().boot);
    }

    /// An account goes with all that it has, and another comes: not often, since it has many keys.
    fn replace_account(&mut self) {
        if !self.random.chance(0.2) {
            return;
        }
        let at = self.random.index(self.accounts.len());
        let gone = self.accounts.swap_remove(at);
        let registry = &mut self.registry;
        registry.accounts.remove(&gone);
        registry
            .limits
            .retain(|_, limit| limit.owner != Owner::Account(gone));
        let keys = registry
            .keys
            .iter()
            .filter(|(_, key)| key.account_uid == gone);
        let keys: HashSet<Uuid> = keys.map(|(uid, _)| *uid).collect();
        self.keys.retain(|(key, _)| !keys.contains(key));
        registry.forget_keys(&keys);
        self.add_account();
    }

    fn rotate(&mut self) {
        let at = self.random.index(self.keys.len());
        let (key, version) = self.keys[at];
        let account = self.registry.keys[&key].account_uid;
        let old = self.registry.versions.get_mut(&version).unwrap();
        let number = old.version.number + 1;
        Arc::make_mut(&mut old.version).stage = Stage::Previous;
        self.previous.push(version);
        self.keys[at].1 = self.add_version(account, key, number);
    }
}
