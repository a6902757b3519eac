//! The pools of a snapshot: their keys by tier, and what they lack.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::Registry;
use crate::domain::key::Stage;
use crate::domain::pool::{Member, Pool, Target};
use crate::live::pool::PoolLive;
use crate::live::snapshot::{AccountEntry, Alike, Candidate, PoolEntry, Tier, VersionEntry};

/// Some keys of one account that serve the same models, with the weight of each.
type Weighed = (Alike, u32);

/// All keys, as they may become members.
struct Members<'a> {
    registry: &'a Registry,
    accounts: &'a HashMap<Uuid, Arc<AccountEntry>>,
    /// By key.
    current: HashMap<Uuid, &'a Arc<VersionEntry>>,
    /// By account; every pool shares them.
    whole: HashMap<Uuid, Vec<Alike>>,
}

impl Registry {
    pub(super) fn pool_entries(
        &mut self,
        accounts: &HashMap<Uuid, Arc<AccountEntry>>,
        versions: &HashMap<Uuid, Arc<VersionEntry>>,
    ) -> Vec<Arc<PoolEntry>> {
        for pool in self.pools.values() {
            let live = self.lives.pools.entry(pool.meta.uid);
            live.or_insert_with(|| Arc::new(PoolLive::new(&pool.id)));
        }
        let members = Members::new(self, accounts, versions);
        let pools = self.pools.values().filter_map(|pool| {
            let live = self.lives.pools.get(&pool.meta.uid)?;
            let lacking = self.distrusted_of(pool);
            Some(Arc::new(PoolEntry::new(
                pool.clone(),
                members.tiers(pool, live),
                Arc::clone(live),
                Arc::clone(&self.prices),
                lacking,
            )))
        });
        pools.collect()
    }
}

impl<'a> Members<'a> {
    fn new(
        registry: &'a Registry,
        accounts: &'a HashMap<Uuid, Arc<AccountEntry>>,
        versions: &'a HashMap<Uuid, Arc<VersionEntry>>,
    ) -> Self {
        let current = versions.values();
        let current = current.filter(|v| v.version.stage == Stage::Current);
        let mut members = Self {
            registry,
            accounts,
            current: current.map(|v| (v.version.key_uid, v)).collect(),
            whole: HashMap::new(),
        };
        members.whole = members.by_account();
        members
    }

    /// All keys of each account, apart by the models that they serve.
    fn by_account(&self) -> HashMap<Uuid, Vec<Alike>> {
        let keys = self.registry.keys.keys();
        let weighed = keys.filter_map(|uid| Some((self.candidate(*uid)?, 0)));
        let mut whole: HashMap<Uuid, Vec<Alike>> = HashMap::new();
        for (keys, _) in alike(weighed.collect()) {
            let account = keys.keys.first().map(|first| first.key.account_uid);
            whole
                .entry(account.unwrap_or_default())
                .or_default()
                .push(keys);
        }
        whole
    }

    fn candidate(&self, key: Uuid) -> Option<Candidate> {
        let key = self.registry.keys.get(&key)?;
        let version = self.current.get(&key.meta.uid);
        Some(Candidate {
            account: Arc::clone(self.accounts.get(&key.account_uid)?),
            key: Arc::clone(key),
            version: version.map(|version| Arc::clone(version)),
        })
    }

    fn tiers(&self, pool: &Pool, live: &PoolLive) -> Vec<Tier> {
        let mut by_tier: BTreeMap<u32, Vec<&Member>> = BTreeMap::new();
        for member in &pool.members {
            by_tier.entry(member.tier).or_default().push(member);
        }
        let tiers = by_tier.into_iter().map(|(number, members)| {
            let mut keys = self.singles(&members);
            keys.extend(members.iter().flat_map(|member| self.of_account(member)));
            keys.sort_by(|(a, _), (b, _)| name(&a.keys).cmp(&name(&b.keys)));
            Tier::new(number, keys, live.turns(number))
        });
        tiers.collect()
    }

    fn of_account(&self, member: &Member) -> impl Iterator<Item = Weighed> {
        let keys = match member.target {
            Target::Account(uid) => self.whole.get(&uid),
            Target::Key(_) => None,
        };
        let weight = member.weight;
        keys.into_iter()
            .flatten()
            .map(move |keys| (keys.clone(), weight))
    }

    fn singles(&self, members: &[&Member]) -> Vec<Weighed> {
        let single = members.iter().filter_map(|member| match member.target {
            Target::Key(uid) => Some((self.candidate(uid)?, member.weight)),
            Target::Account(_) => None,
        });
        alike(single.collect())
    }
}

/// Puts those together that are of one account, serve the same models and weigh the same.
fn alike(mut keys: Vec<(Candidate, u32)>) -> Vec<Weighed> {
    type One = (Candidate, u32);
    // Two keys of one kind compare as equal.
    let kind = |(c, weight): &One, (d, other): &One| {
        let (c, d) = (&c.key, &d.key);
        let account = c.account_uid.cmp(&d.account_uid);
        account
            .then_with(|| c.models.cmp(&d.models))
            .then(weight.cmp(other))
    };
    keys.sort_unstable_by(|a, b| kind(a, b).then_with(|| a.0.key.id.cmp(&b.0.key.id)));
    let runs = keys.chunk_by(|a, b| kind(a, b).is_eq());
    let run = |run: &[One]| {
        let weight = run.first().map_or(0, |(_, weight)| *weight);
        (run.iter().map(|(key, _)| key.clone()).collect(), weight)
    };
    runs.map(run).collect()
}

/// The account, and the first key.
fn name(keys: &[Candidate]) -> Option<(&str, &str)> {
    let first = keys.first()?;
    Some((first.account.account.id.as_str(), first.key.id.as_str()))
}
