//! What tests about accounts and keys ask of a desk.

use std::sync::Arc;

use keylease::domain::caller::{Grant, Right};
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::service::auth::Identity;
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::desk::{Desk, answered, caller, vouched};
pub(crate) use super::setup::secret;

impl Desk {
    /// Over a new database with the account `a` and its key `k`, whose secret is `sk-first`.
    pub(crate) async fn with_key() -> Self {
        let desk = Self::open().await;
        desk.create_account("a").await.unwrap();
        desk.create_key("a", "k", "sk-first").await.unwrap();
        desk
    }

    /// Creates an account of OpenAI.
    pub(crate) async fn create_account(&self, id: &str) -> Result<proto::Account, Status> {
        let request = proto::CreateAccountRequest {
            account_id: id.to_owned(),
            account: Some(openai()),
            ..Default::default()
        };
        let response = self.admin.create_account(self.ask(request)).await?;
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
        let response = self.admin.create_key(self.ask(request)).await?;
        Ok(response.into_inner().key.unwrap())
    }

    /// Reads the key `accounts/a/keys/k`.
    pub(crate) async fn key(&self) -> proto::Key {
        let name = KEY.to_owned();
        let request = proto::GetKeyRequest { name };
        answered(self.admin.get_key(self.ask(request)).await)
            .key
            .unwrap()
    }

    /// Rotates the key `accounts/a/keys/k`.
    pub(crate) async fn rotate(&self, value: &str, now: bool) -> Result<proto::Rotation, Status> {
        let request = proto::RotateKeyRequest {
            name: KEY.to_owned(),
            secret: Some(secret(value)),
            revoke_previous_now: now,
            // Its provider is OpenAI itself.
            skip_test: true,
            ..Default::default()
        };
        let response = self.admin.rotate_key(self.ask(request)).await?;
        Ok(response.into_inner().rotation.unwrap())
    }

    /// The versions of the key `accounts/a/keys/k`, newest first.
    pub(crate) async fn versions(&self) -> Vec<proto::KeyVersion> {
        let request = proto::ListKeyVersionsRequest {
            parent: KEY.to_owned(),
            ..Default::default()
        };
        answered(self.admin.list_key_versions(self.ask(request)).await).key_versions
    }

    /// The revision, and how many audit records there are.
    pub(crate) async fn marks(&self) -> (i64, i64) {
        sqlx::query_as("select rev, (select count(*) from audit_records where method not in ('AddMasterKey', 'PromoteMasterKey')) from cluster")
            .fetch_one(&self.database.pool)
            .await
            .unwrap()
    }

    /// Everything that the database holds, as text.
    pub(crate) async fn dump(&self) -> String {
        self.database.dump().await
    }
}

/// The key that most tests are about.
pub(crate) const KEY: &str = "accounts/a/keys/k";

/// A caller with these grants.
pub(crate) fn identity(grants: Vec<Grant>) -> Identity {
    let mut caller = caller(grants);
    caller.meta.uid = Uuid::new_v4();
    Identity {
        asked: Right::Read,
        bearer: vouched(Arc::new(caller)),
        source: "127.0.0.1:1".parse().ok(),
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
