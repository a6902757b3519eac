//! An account, its keys and their versions, as far as simulations care.

use std::sync::Arc;

use keylease::crypto::Secret;
use keylease::domain::account::{Account, LearnedLimits};
use keylease::domain::endpoint::Endpoint;
use keylease::domain::health::Health;
use keylease::domain::id::Id;
use keylease::domain::key::{Key, KeyVersion, Meta, Stage};
use keylease::domain::models::ModelRules;
use keylease::domain::profile::Profile;
use keylease::live::credential::{Credential, Placing};
use keylease::live::registry::KnownVersion;
use uuid::Uuid;

pub(crate) fn account(id: Id, meta: Meta) -> Account {
    Account {
        id,
        meta,
        profile: Profile::Openai,
        endpoint: Endpoint::of_profile(Profile::Openai, "", Vec::new(), false).unwrap(),
        placement: None,
        learned_limits: LearnedLimits::default(),
        rotation_interval: None,
        disablement: None,
    }
}

pub(crate) fn key(id: Id, meta: Meta, account_uid: Uuid) -> Key {
    Key {
        id,
        meta,
        account_uid,
        models: ModelRules::default(),
        rotation_interval: None,
        disablement: None,
    }
}

/// The current version of a key, whose secret is its uid.
pub(crate) fn version(meta: Meta, account: &Account, key_uid: Uuid, number: u32) -> KnownVersion {
    let secret = Secret::from_string(meta.uid.to_string());
    let version = KeyVersion {
        meta,
        key_uid,
        number,
        stage: Stage::Current,
        health: Health::Active,
        promote_time: None,
        revoke_time: None,
        drain_until: None,
        sealed_hosts: Vec::new(),
        recover_time: None,
    };
    let mut known = KnownVersion::new(version, Ok(Vec::new()));
    known.credential = Some(Credential {
        placing: Arc::new(Placing::of(account)),
        fields: Arc::new(vec![("value".to_owned(), secret)]),
    });
    known
}
