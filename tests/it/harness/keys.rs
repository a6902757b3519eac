//! A vault over a database of its own, and its admin service without a socket.

use std::sync::Arc;

use keylease::crypto::{BootId, KeyRing, MasterKey};
use keylease::domain::caller::{Caller, Grant};
use keylease::domain::id::Id;
use keylease::domain::key::Meta;
use keylease::domain::labels::Labels;
use keylease::domain::time::Timestamp;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::service::admin::Admin;
use keylease::service::auth::Identity;
use keylease::vault::{Vault, VaultKeys};
use sqlx::PgPool;
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::postgres::Database;

/// A vault that nobody else uses.
pub(crate) struct TestVault {
    /// Its database.
    pub(crate) database: Database,
    /// The vault.
    pub(crate) vault: Arc<Vault>,
    /// Its admin service.
    pub(crate) admin: Admin,
    identity: Identity,
}

impl TestVault {
    /// An empty one.
    pub(crate) async fn create() -> Self {
        let ring = KeyRing::new(MasterKey::generate().unwrap(), vec![]).unwrap();
        let database = Database::create().await;
        let keys = VaultKeys::open(&database.pool, ring).await.unwrap();
        let boot = BootId::generate().unwrap();
        let age_max = std::time::Duration::from_secs(300);
        let vault = Vault::new(database.pool.clone(), Arc::new(keys), boot, age_max);
        let vault = Arc::new(vault);
        Self {
            admin: Admin::new(Arc::clone(&vault)),
            vault,
            database,
            identity: identity(vec![Grant::Admin]),
        }
    }

    /// One with the account `a` and the key `k`, whose secret is `sk-first`.
    pub(crate) async fn with_key() -> Self {
        let vault = Self::create().await;
        vault.create_account("a").await.unwrap();
        vault.create_key("a", "k", "sk-first").await.unwrap();
        vault
    }

    /// Connections to its database.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// A call by an administrator.
    pub(crate) fn call<T>(&self, message: T) -> Request<T> {
        as_caller(self.identity.clone(), message)
    }

    /// Creates an OpenAI account.
    pub(crate) async fn create_account(&self, id: &str) -> Result<proto::Account, Status> {
        let request = proto::CreateAccountRequest {
            account_id: id.to_owned(),
            account: Some(openai()),
            ..Default::default()
        };
        let response = self.admin.create_account(self.call(request)).await?;
        Ok(response.into_inner().account.unwrap())
    }

    /// Creates a key with a first version.
    pub(crate) async fn create_key(
        &self,
        account: &str,
        id: &str,
        value: &str,
    ) -> Result<proto::Key, Status> {
        let request = proto::CreateKeyRequest {
            parent: format!("accounts/{account}"),
            key_id: id.to_owned(),
            secret: Some(secret(value)),
            ..Default::default()
        };
        let response = self.admin.create_key(self.call(request)).await?;
        Ok(response.into_inner().key.unwrap())
    }

    /// The revision, and how many audit records there are.
    pub(crate) async fn marks(&self) -> (i64, i64) {
        sqlx::query_as("select rev, (select count(*) from audit_records) from cluster")
            .fetch_one(self.pool())
            .await
            .unwrap()
    }
}

/// A caller with these grants.
pub(crate) fn identity(grants: Vec<Grant>) -> Identity {
    let now = Timestamp::from_micros(0);
    let caller = Caller {
        meta: Meta::created(Uuid::from_u128(7), 1, Labels::default(), now),
        id: Id::parse("id", "tester").unwrap(),
        grants,
        disablement: None,
    };
    Identity {
        caller: Arc::new(caller),
        source: "127.0.0.1:1".to_owned(),
    }
}

/// A call by this caller.
pub(crate) fn as_caller<T>(identity: Identity, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(identity);
    request
}

/// An account of OpenAI with all defaults.
pub(crate) fn openai() -> proto::Account {
    proto::Account {
        provider_profile: "openai".to_owned(),
        ..Default::default()
    }
}

/// A secret of one string.
pub(crate) fn secret(value: &str) -> proto::Secret {
    proto::Secret {
        value: value.to_owned(),
        ..Default::default()
    }
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().unwrap().reason.clone()
}

/// The fields that a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    violations.iter().map(|v| v.field.clone()).collect()
}
