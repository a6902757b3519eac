//! The pools of a snapshot: their keys by tier, and what they lack.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::Registry;
use crate::domain::key::{Key, Stage};
use crate::domain::pool::{Member, Pool, Target};
use crate::live::pool::PoolLive;
use crate::live::snapshot::{AccountEntry, Candidate, PoolEntry, Tier, VersionEntry};

impl Registry {
    pub(super) fn pool_entries(
        &mut self,
        accounts: &HashMap<Uuid, Arc<AccountEntry>>,
        versions: &HashMap<Uuid, Arc<VersionEntry>>,
    ) -> Vec<Arc<PoolEntry>> {
        let current = versions
            .values()
            .filter(|v| v.version.stage == Stage::Current);
        let current: HashMap<Uuid, &Arc<VersionEntry>> =
            current.map(|v| (v.version.key_uid, v)).collect();
        let mut by_account: HashMap<Uuid, Vec<&Arc<Key>>> = HashMap::new();
        for key in self.keys.values() {
            by_account.entry(key.account_uid).or_default().push(key);
        }
        let candidates = |member: &Member| -> Vec<Candidate> {
            let keys = match member.target {
                Target::Account(uid) => by_account.get(&uid).cloned().unwrap_or_default(),
                Target::Key(uid) => self.keys.get(&uid).into_iter().collect(),
            };
            let candidate = |key: &Arc<Key>| {
                Some(Candidate {
                    account: Arc::clone(accounts.get(&key.account_uid)?),
                    key: Arc::clone(key),
                    version: current.get(&key.meta.uid).map(|v| Arc::clone(v)),
                    weight: member.weight,
                })
            };
            keys.into_iter().filter_map(candidate).collect()
        };
        let lacking: HashMap<Uuid, _> = self
            .pools
            .values()
            .map(|pool| (pool.meta.uid, self.distrusted_of(pool)))
            .collect();
        let pools = self.pools.values().map(|pool| {
            let live = self.lives.pools.entry(pool.meta.uid);
            let live = live.or_insert_with(|| Arc::new(PoolLive::new(&pool.id)));
            Arc::new(PoolEntry {
                tiers: tiers(pool, live, &candidates),
                pool: pool.clone(),
                live: Arc::clone(live),
                prices: Arc::clone(&self.prices),
                distrusted: lacking.get(&pool.meta.uid).cloned().unwrap_or_default(),
            })
        });
        pools.collect()
    }
}

/// The keys of a pool by tier, in order of account and key.
fn tiers(
    pool: &Pool,
    live: &PoolLive,
    candidates: &impl Fn(&Member) -> Vec<Candidate>,
) -> Vec<Tier> {
    let mut by_tier: BTreeMap<u32, Vec<Candidate>> = BTreeMap::new();
    for member in &pool.members {
        by_tier
            .entry(member.tier)
            .or_default()
            .extend(candidates(member));
    }
    let tier = |(number, mut candidates): (u32, Vec<Candidate>)| {
        candidates.sort_by(|a, b| {
            let name = |c: &Candidate| (c.account.account.id.clone(), c.key.id.clone());
            name(a).cmp(&name(b))
        });
        let mut sum = 0;
        let running = candidates.iter().map(|c| {
            sum += u64::from(c.weight);
            sum
        });
        Tier {
            number,
            cumulative: running.collect(),
            turns: live.turns(number),
            candidates,
        }
    };
    by_tier.into_iter().map(tier).collect()
}
