//! Accounts with keys, and pools over them, for tests.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use uuid::Uuid;

use super::canaries::Canaries;
use super::choose::{Now, Wish};
use super::credential::{Credential, Placing};
use super::registry::{KnownVersion, Registry};
use super::version::Applicant;
use crate::crypto::Secret;
use crate::domain::account::{Account, LearnedLimits};
use crate::domain::endpoint::Endpoint;
use crate::domain::health::Health;
use crate::domain::id::Id;
use crate::domain::key::{Key, KeyVersion, Meta, Stage};
use crate::domain::labels::Labels;
use crate::domain::ledger::budget::Need;
use crate::domain::limit::{Dimension, Limit, Mode, Owner};
use crate::domain::models::ModelRules;
use crate::domain::pool::{Estimate, HealthPolicy, Member, Pool, Strategy, Target};
use crate::domain::prices::OperatorPrices;
use crate::domain::profile::Profile;
use crate::domain::terms::Span;
use crate::domain::time::{BootTime, Timestamp};

/// A minute after everything began.
pub(super) const NOW: Now = Now {
    boot: BootTime::from_nanos(60_000_000_000),
    database: Timestamp::from_micros(60_000_000),
};

/// Nobody asks the database for what is wanted of it.
static CANARIES: LazyLock<Canaries> = LazyLock::new(Canaries::default);

/// What begins a uid, by kind.
const ACCOUNT: u128 = 1 << 100;
const KEY: u128 = 2 << 100;
const VERSION: u128 = 3 << 100;
const POOL: u128 = 4 << 100;
const LIMIT: u128 = 5 << 100;

pub(super) const fn account_uid(account: u64) -> Uuid {
    Uuid::from_u128(ACCOUNT | account as u128)
}

pub(super) const fn version_uid(account: u64, key: u64) -> Uuid {
    Uuid::from_u128(VERSION | (account as u128) << 64 | key as u128)
}

pub(super) fn id(text: &str) -> Id {
    Id::parse("id", text).unwrap()
}

fn meta(uid: u128) -> Meta {
    Meta::created(Uuid::from_u128(uid), 1, Labels::default(), NOW.database)
}

impl Registry {
    /// An account, `a{number}`, with so many keys.
    pub(super) fn add_account(&mut self, number: u64, keys: u64, models: &ModelRules) {
        let uid = account_uid(number);
        let account = Account {
            meta: meta(uid.as_u128()),
            id: id(&format!("a{number}")),
            profile: Profile::Openai,
            endpoint: Endpoint::of_profile(Profile::Openai, "", Vec::new(), false).unwrap(),
            placement: None,
            rotation_interval: None,
            learned_limits: LearnedLimits::default(),
            disablement: None,
        };
        let placing = Arc::new(Placing::of(&account));
        self.accounts.insert(uid, account);
        for key in 0..keys {
            self.add_key((number, key), models, &placing);
        }
    }

    fn add_key(&mut self, (account, number): (u64, u64), models: &ModelRules, to: &Arc<Placing>) {
        let uid = KEY | u128::from(account) << 64 | u128::from(number);
        let key = Key {
            meta: meta(uid),
            account_uid: account_uid(account),
            id: id(&format!("k{number:06}")),
            models: models.clone(),
            rotation_interval: None,
            disablement: None,
        };
        let version = KeyVersion {
            meta: meta(version_uid(account, number).as_u128()),
            key_uid: key.meta.uid,
            number: 1,
            stage: Stage::Current,
            health: Health::Active,
            recover_time: None,
            promote_time: None,
            revoke_time: None,
            drain_until: None,
            sealed_hosts: Vec::new(),
        };
        let mut known = KnownVersion::new(version, Ok(Vec::new()));
        let secret = Secret::from_string(format!("sk-{number}"));
        known.credential = Some(Credential {
            placing: Arc::clone(to),
            fields: Arc::new(vec![("value".to_owned(), secret)]),
        });
        self.keys.insert(key.meta.uid, Arc::new(key));
        self.versions.insert(known.version.meta.uid, known);
    }

    /// So many requests a minute of an account.
    pub(super) fn add_limit(&mut self, account: u64, amount: u64) -> Arc<Limit> {
        let uid = Uuid::from_u128(LIMIT | u128::from(account));
        let limit = Arc::new(Limit {
            uid,
            rev: 1,
            owner: Owner::Account(account_uid(account)),
            id: id("requests"),
            create_time: NOW.database,
            update_time: NOW.database,
            dimension: Dimension::Requests,
            amount,
            span: Span::Rolling(Duration::from_mins(1)),
            mode: Mode::Enforce,
            models: Vec::new(),
            validity: None,
            start_within: None,
            blackout: None,
            offline: None,
        });
        self.limits.insert(uid, Arc::clone(&limit));
        limit
    }

    /// A pool, `p{number}`, over these accounts, each with its tier.
    pub(super) fn add_pool(&mut self, number: u64, accounts: &[(u64, u32)]) {
        let members = accounts.iter().map(|(account, tier)| Member {
            target: Target::Account(account_uid(*account)),
            tier: *tier,
            weight: 1,
        });
        let pool = Pool {
            meta: meta(POOL | u128::from(number)),
            id: id(&format!("p{number}")),
            members: members.collect(),
            strategy: Strategy::RoundRobin,
            health_policy: HealthPolicy::default(),
            default_estimate: None,
            rotation_interval: None,
            lease_duration: None,
            failure_rules: None,
            journal: crate::domain::journal::Journaling::Rollup,
            disablement: None,
        };
        self.pools.insert(pool.meta.uid, pool);
    }
}

/// One use, at once.
pub(super) fn wish<'a>(model: Option<&'a str>, prices: &'a OperatorPrices) -> Wish<'a> {
    Wish {
        need: Need {
            model,
            uses: 1,
            estimate: Estimate::in_force(None, None),
            is_new: true,
            ticket: None,
            is_patient: false,
            until: NOW.boot,
            lease_duration: Duration::from_mins(10),
            slot: None,
        },
        affinity_key: None,
        account: None,
        avoided: &[],
        avoided_until: None,
        applicant: Applicant {
            caller: Uuid::from_u128(7),
            patience: Duration::from_mins(1),
        },
        canaries: &CANARIES,
        prices,
    }
}
