//! The configuration of a replica: one account, with one key, in one pool.

use keylease::crypto::Secret;
use keylease::domain::account::{Account, LearnedLimits};
use keylease::domain::endpoint::Endpoint;
use keylease::domain::health::Health;
use keylease::domain::id::Id;
use keylease::domain::journal::Journaling;
use keylease::domain::key::{Key, KeyVersion, Meta, Stage};
use keylease::domain::labels::Labels;
use keylease::domain::models::ModelRules;
use keylease::domain::pool::{HealthPolicy, Member, Pool, Strategy, Target};
use keylease::domain::profile::Profile;
use keylease::live::credential::{Credential, Placing};
use keylease::live::registry::{KnownVersion, Registry};

use super::*;

/// All that is configured but the limits.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    let account = account();
    let mut known = KnownVersion::new(version(), Ok(Vec::new()));
    known.credential = Some(Credential {
        placing: Arc::new(Placing::of(&account)),
        fields: Arc::new(vec![(
            "value".to_owned(),
            Secret::from_string("secret".to_owned()),
        )]),
    });
    registry.versions.insert(Uuid::nil(), known);
    registry.keys.insert(Uuid::nil(), Arc::new(key()));
    registry.accounts.insert(Uuid::nil(), account);
    registry.pools.insert(Uuid::nil(), pool());
    registry
}

pub(super) fn pool_id() -> Id {
    id("pool")
}

fn account() -> Account {
    Account {
        id: id("account"),
        meta: meta(),
        profile: Profile::Openai,
        endpoint: Endpoint::of_profile(Profile::Openai, "", Vec::new(), false).unwrap(),
        placement: None,
        learned_limits: LearnedLimits::default(),
        rotation_interval: None,
        disablement: None,
    }
}

fn key() -> Key {
    Key {
        id: id("key"),
        meta: meta(),
        account_uid: Uuid::nil(),
        models: ModelRules::default(),
        rotation_interval: None,
        disablement: None,
    }
}

fn version() -> KeyVersion {
    KeyVersion {
        meta: meta(),
        key_uid: Uuid::nil(),
        number: 1,
        stage: Stage::Current,
        health: Health::Active,
        promote_time: None,
        revoke_time: None,
        drain_until: None,
        sealed_hosts: Vec::new(),
        recover_time: None,
    }
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
