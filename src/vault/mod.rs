//! Floor 4: what KeyLease does, one file per verb, named like its RPC.
//!
//! A verb that changes something is a struct (its parsed input) that implements [`Verb`]; [`Vault::change`] runs it in the one
//! transaction pattern of the house. A verb that reads is a method of [`Vault`].

mod account_view;
mod admission;
mod admitting;
mod adopt_limits;
mod advising;
mod alerts;
mod audit;
mod blaming;
mod braking;
mod caller_ref;
mod caller_rows;
mod change;
mod charged;
mod clear_health;
mod committing;
mod create_account;
mod create_caller;
mod create_key;
mod create_limit;
mod create_pool;
mod create_token;
mod delete_account;
mod delete_caller;
mod delete_key;
mod delete_limit;
mod delete_pool;
mod disable;
mod disable_account;
mod disable_caller;
mod disable_key;
mod disable_pool;
pub mod doctor;
mod error;
mod explain_lease;
mod forward;
mod get_account;
mod get_caller;
mod get_cost;
mod get_key;
mod get_limit;
mod get_pool;
mod get_status;
mod guard;
mod holdings;
mod ids;
mod import_keys;
mod incidents;
mod journaling;
mod key_versions;
mod key_view;
mod keys;
mod lease_key;
mod limit_status;
mod list_accounts;
mod list_alerts;
mod list_audit_records;
mod list_callers;
mod list_health_changes;
mod list_keys;
mod list_learned_limits;
mod list_limits;
mod list_pools;
mod list_prices;
mod list_tokens;
mod master_keys;
mod move_key;
mod open;
mod opened;
mod overdue;
mod owing;
mod page;
mod patience;
mod placing;
mod pool_view;
mod probe;
mod probe_key;
mod probing;
mod refresh;
mod renew_lease;
mod replay;
mod report_outcome;
mod retry_tokens;
mod revoke_token;
mod rotate_key;
mod rotating;
mod rotations;
mod sealing;
mod secret_value;
mod set_price;
mod settling;
mod shared;
mod spend;
mod stating;
mod takeover;
mod telling;
mod trust;
mod trying;
mod update_account;
mod update_caller;
mod update_key;
mod update_limit;
mod update_pool;
mod verdicts;
mod who;
mod wishing;
mod words;

pub use account_view::AccountView;
pub use admission::Proof;
pub use alerts::{AlertCounts, Alerting, HiddenUrl, Sink, TestDelivery, Watched};
pub use audit::{AuditReport, ChainReport, Pruner};
pub use caller_ref::CallerRef;
pub use change::{Change, Done, Request, Verb, Work};
pub use charged::Charged;
pub use clear_health::ClearHealth;
pub use create_account::CreateAccount;
pub use create_caller::CreateCaller;
pub use create_key::CreateKey;
pub use create_limit::CreateLimit;
pub use create_pool::CreatePool;
pub use create_token::{CreateToken, NewToken};
pub use delete_account::DeleteAccount;
pub use delete_caller::DeleteCaller;
pub use delete_key::DeleteKey;
pub use delete_limit::DeleteLimit;
pub use delete_pool::DeletePool;
pub use disable::Word;
pub use disable_account::{DisableAccount, EnableAccount};
pub use disable_caller::{DisableCaller, EnableCaller};
pub use disable_key::{DisableKey, EnableKey};
pub use disable_pool::{DisablePool, EnablePool};
pub use error::{Error, Fault, Refusal};
pub use explain_lease::ExplainLease;
pub use ids::Ids;
pub use import_keys::{ImportAccount, ImportKeys, Imported};
pub use key_versions::VersionView;
pub use key_view::KeyView;
pub use keys::VaultKeys;
pub use lease_key::{Lease, LeaseKey};
pub use list_alerts::ToldAlert;
pub use list_health_changes::HealthChangeView;
pub use list_learned_limits::LearnedView;
pub use master_keys::{
    CancelRewrap, MasterKeyStatus, MasterKeyView, PassphraseError, PromoteMasterKey,
    RetireMasterKey, RewrapKeys, RewrapStep, RingChange, ring_of_known_passphrase,
    ring_of_passphrase,
};
pub use move_key::MoveKey;
pub use open::OpenError;
pub use page::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Page};
pub use pool_view::PoolView;
pub use probe::Unprobed;
pub use probe_key::Asked;
pub use probing::{Probes, ROUND_EVERY as PROBE_ROUND_EVERY};
pub use renew_lease::{RenewLease, RenewRefusal};
pub use report_outcome::{ReportOutcome, ReportRefusal, Reported, Verdict};
pub use revoke_token::RevokeToken;
pub use rotate_key::RotateKey;
pub use rotating::{
    CancelRotation, DeleteRotator, RetryRotation, RollbackKey, RotatorView, SetRotator, Steps,
};
pub use rotations::RotationView;
pub use secret_value::{SecretValue, WHOLE};
pub use set_price::SetPrice;
pub use trying::{Tried, attempt};
pub use update_account::UpdateAccount;
pub use update_caller::UpdateCaller;
pub use update_key::UpdateKey;
pub use update_limit::UpdateLimit;
pub use update_pool::UpdatePool;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;

use self::replay::Given;
use crate::crypto::BootId;
use crate::live::Live;
use crate::live::registry::Registry;
use crate::live::replayed::Replayed;
use crate::live::replays::Replays;
use crate::outbound::Outbound;

/// Probes that people ask one replica for at once.
const PROBE_SEATS: usize = 8;

/// The outcome of a verb.
pub type Result<T> = std::result::Result<T, Error>;

/// The vault of one replica.
#[derive(Debug)]
pub struct Vault {
    pool: PgPool,
    keys: Arc<VaultKeys>,
    ids: Ids,
    live: Arc<Live>,
    registry: Arc<tokio::sync::Mutex<Registry>>,
    replays: Replays<LeaseKey, Given>,
    replayed: Replayed,
    /// Of many reports that meet the same incident at once, one commits it, and the others find it done.
    saving: tokio::sync::Mutex<()>,
    outbound: Outbound,
    probe_seats: tokio::sync::Semaphore,
    /// What this replica remembers of its chain of changes.
    audit: parking_lot::Mutex<audit::writer::Writer>,
    /// What it has seen of everybody's chains.
    audit_watch: parking_lot::Mutex<audit::watch::Watch>,
}

impl Vault {
    /// A vault over a migrated database, with the keys that [`VaultKeys::open`] gave. It serves nothing until [`Self::refresh`].
    #[must_use]
    pub fn new(
        pool: PgPool,
        keys: Arc<VaultKeys>,
        boot: BootId,
        snapshot_age_max: Duration,
    ) -> Self {
        let ids = Ids::new(&keys.cluster, boot);
        let vault = Self {
            audit: parking_lot::Mutex::new(audit::writer::Writer::new(ids.boot_id())),
            audit_watch: parking_lot::Mutex::default(),
            live: Live::new(ids.boot_id(), snapshot_age_max),
            pool,
            keys,
            ids,
            registry: Arc::default(),
            replays: Replays::default(),
            replayed: Replayed::default(),
            saving: tokio::sync::Mutex::default(),
            outbound: Outbound::default(),
            probe_seats: tokio::sync::Semaphore::new(PROBE_SEATS),
        };
        vault.publish_ring();
        vault
    }

    /// The same, where its own requests go out by this way.
    #[must_use]
    pub fn sending_by(mut self, outbound: Outbound) -> Self {
        self.outbound = outbound;
        self
    }
}
