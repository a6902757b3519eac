//! The configuration of a replica: one account, with one key, in one pool.

use keylease::domain::id::Id;
use keylease::domain::journal::Journaling;
use keylease::domain::key::Meta;
use keylease::domain::labels::Labels;
use keylease::domain::pool::{HealthPolicy, Member, Pool, Strategy, Target};
use keylease::live::registry::Registry;

use super::*;
use crate::entities;

/// All that is configured but the limits.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    let account = entities::account(id("account"), meta());
    let version = entities::version(meta(), &account, Uuid::nil(), 1);
    let key = entities::key(id("key"), meta(), Uuid::nil());
    registry.versions.insert(Uuid::nil(), version);
    registry.keys.insert(Uuid::nil(), Arc::new(key));
    registry.accounts.insert(Uuid::nil(), account);
    registry.pools.insert(Uuid::nil(), pool());
    registry
}

pub(super) fn pool_id() -> Id {
    id("pool")
}

fn pool() -> Pool {
    Pool {
        members: vec![Member {
            target: Target::Account(Uuid::nil()),
            tier: 1,
            weight: 1,
        }],
        id: pool_id(),
        meta: meta(),
        strategy: Strategy::RoundRobin,
        health_policy: HealthPolicy::default(),
        failure_rules: None,
        journal: Journaling::Rollup,
        default_estimate: None,
        rotation_interval: None,
        lease_duration: None,
        disablement: None,
    }
}

fn meta() -> Meta {
    Meta::created(Uuid::nil(), 1, Labels::default(), Timestamp::default())
}

fn id(text: &str) -> Id {
    Id::parse("id", text).unwrap()
}
