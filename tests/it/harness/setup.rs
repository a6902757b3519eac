//! What tests of leases set up, through the admin service of a running replica.

use std::time::Duration;

use keylease::proto;
use keylease::proto::limit::Window;

use super::client::Client;

impl Client {
    /// Creates an account of OpenAI that sends its requests to `base_url`; empty for OpenAI's own.
    pub(crate) async fn create_account(&self, id: &str, base_url: &str) {
        let request = proto::CreateAccountRequest {
            account_id: id.to_owned(),
            account: Some(proto::Account {
                provider_profile: "openai".to_owned(),
                base_url: base_url.to_owned(),
                allow_http: base_url.starts_with("http:"),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.admin.clone().create_account(request).await.unwrap();
    }

    /// Creates a key.
    pub(crate) async fn create_key(&self, account: &str, id: &str, value: &str) {
        let request = proto::CreateKeyRequest {
            parent: format!("accounts/{account}"),
            key_id: id.to_owned(),
            secret: Some(secret(value)),
            ..Default::default()
        };
        self.admin.clone().create_key(request).await.unwrap();
    }

    /// Creates an account with one key, `k`, whose secret is `sk-{account}`.
    pub(crate) async fn create_account_and_key(&self, account: &str) {
        self.create_account(account, "").await;
        self.create_key(account, "k", &format!("sk-{account}"))
            .await;
    }

    /// Creates a limit.
    pub(crate) async fn create_limit(&self, account: &str, limit: proto::Limit) {
        let request = proto::CreateLimitRequest {
            parent: format!("accounts/{account}"),
            limit_id: format!("l{}", limit.amount),
            limit: Some(limit),
            ..Default::default()
        };
        self.admin.clone().create_limit(request).await.unwrap();
    }

    /// Sets one field of an account's limit of this id.
    pub(crate) async fn update_limit(
        &self,
        account: &str,
        id: &str,
        field: &str,
        to: proto::Limit,
    ) {
        let request = proto::UpdateLimitRequest {
            limit: Some(proto::Limit {
                name: format!("accounts/{account}/limits/{id}"),
                ..to
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec![field.to_owned()],
            }),
            ..Default::default()
        };
        self.admin.clone().update_limit(request).await.unwrap();
    }

    /// Creates a pool of these members, all of the first tier.
    pub(crate) async fn create_pool(&self, id: &str, targets: &[&str]) {
        self.create_pool_of(id, of_targets(targets)).await;
    }

    /// Creates a pool.
    pub(crate) async fn create_pool_of(&self, id: &str, pool: proto::Pool) {
        let request = proto::CreatePoolRequest {
            pool_id: id.to_owned(),
            pool: Some(pool),
            ..Default::default()
        };
        self.admin.clone().create_pool(request).await.unwrap();
    }

    /// Creates a caller that may lease from the pools of this pattern; answers its token.
    pub(crate) async fn create_lessee(&self, id: &str, pool_pattern: &str) -> String {
        let grant = proto::Grant {
            role: proto::Role::Lessee.into(),
            pool_pattern: pool_pattern.to_owned(),
        };
        let request = proto::CreateCallerRequest {
            caller_id: id.to_owned(),
            caller: Some(proto::Caller {
                grants: vec![grant],
                ..Default::default()
            }),
            ..Default::default()
        };
        self.admin.clone().create_caller(request).await.unwrap();
        self.create_token(id).await.text
    }

    /// Creates a token.
    pub(crate) async fn create_token(&self, caller: &str) -> proto::CreateTokenResponse {
        let request = proto::CreateTokenRequest {
            parent: format!("callers/{caller}"),
            ..Default::default()
        };
        let answer = self.admin.clone().create_token(request).await;
        answer.unwrap().into_inner()
    }

    /// Rotates a key.
    pub(crate) async fn rotate(&self, name: &str, value: &str) {
        let request = proto::RotateKeyRequest {
            name: name.to_owned(),
            secret: Some(secret(value)),
            // Its provider may be OpenAI itself.
            skip_test: true,
            ..Default::default()
        };
        self.admin.clone().rotate_key(request).await.unwrap();
    }

    /// Disables a key.
    pub(crate) async fn disable_key(&self, name: &str) {
        let request = proto::DisableKeyRequest {
            name: name.to_owned(),
            why: "leaked".to_owned(),
            ..Default::default()
        };
        self.admin.clone().disable_key(request).await.unwrap();
    }

    /// The status of a pool.
    pub(crate) async fn status(&self, pool: &str) -> proto::PoolStatus {
        let request = proto::GetStatusRequest {
            pool: format!("pools/{pool}"),
        };
        let answer = self.admin.clone().get_status(request).await;
        answer.unwrap().into_inner().status.unwrap()
    }
}

/// A secret of one string.
pub(crate) fn secret(value: &str) -> proto::Secret {
    proto::Secret {
        value: value.to_owned(),
        ..Default::default()
    }
}

/// A pool of these members, all of the first tier.
pub(crate) fn of_targets(targets: &[&str]) -> proto::Pool {
    proto::Pool {
        members: targets.iter().map(|target| member(target, 1, 1)).collect(),
        ..Default::default()
    }
}

/// A member: an account such as `a`, or a key such as `a/k`.
pub(crate) fn member(target: &str, tier: i32, weight: i32) -> proto::PoolMember {
    let target = match target.split_once('/') {
        Some((account, key)) => format!("accounts/{account}/keys/{key}"),
        None => format!("accounts/{target}"),
    };
    proto::PoolMember {
        target,
        tier,
        weight,
    }
}

/// So many requests in a rolling window.
pub(crate) fn requests(amount: i64, window: Duration) -> proto::Limit {
    proto::Limit {
        dimension: proto::LimitDimension::Requests.into(),
        amount,
        window: Some(Window::Rolling(span(window))),
        ..Default::default()
    }
}

/// So many tokens in a rolling window.
pub(crate) fn tokens(amount: i64, window: Duration) -> proto::Limit {
    proto::Limit {
        dimension: proto::LimitDimension::Tokens.into(),
        ..requests(amount, window)
    }
}

/// A duration on the wire.
pub(crate) fn span(duration: Duration) -> prost_types::Duration {
    duration.try_into().unwrap()
}

/// A duration from the wire; unset is none at all.
pub(crate) fn duration(span: Option<prost_types::Duration>) -> Duration {
    span.unwrap().try_into().unwrap()
}

/// A minute: longer than any test waits.
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
