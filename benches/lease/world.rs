//! What the vault holds in a run: accounts with limits that are in force and never used up, keys, and pools.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, bail};
use keylease::proto::lease_service_client::LeaseServiceClient;
use keylease::proto::{self, limit};
use sqlx::ConnectOptions;
use tonic::transport::Channel;

use crate::vault::Vault;

/// What one call may import.
const KEYS_PER_CALL: usize = 1_000;
/// What one call may import.
const POOLS_PER_CALL: usize = 100;
/// A few polls.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);
/// Per minute, and far more than any machine leases: the ledger works as for any other limit, and never says no.
const REQUESTS: i64 = 1_000_000_000;
/// The same for tokens.
const TOKENS: i64 = 1_000_000_000_000;

/// The request that every run repeats, but for its pool.
pub(crate) fn request(pool: &str) -> proto::LeaseKeyRequest {
    proto::LeaseKeyRequest {
        pool: format!("pools/{pool}"),
        model: "gpt-4o-mini".to_owned(),
        estimate: Some(proto::Estimate {
            input_tokens: 1_200,
            output_tokens_max: 400,
            ..Default::default()
        }),
        ..Default::default()
    }
}

impl Vault {
    /// Lets the one caller lease from every pool too.
    pub(crate) async fn admit(&self) -> anyhow::Result<()> {
        let grant = |role: proto::Role, pools: &str| proto::Grant {
            role: role.into(),
            pool_pattern: pools.to_owned(),
        };
        let update = proto::UpdateCallerRequest {
            caller: Some(proto::Caller {
                name: "callers/admin".to_owned(),
                grants: vec![
                    grant(proto::Role::Admin, ""),
                    grant(proto::Role::Lessee, "*"),
                ],
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["grants".to_owned()],
            }),
            ..Default::default()
        };
        self.admin().update_caller(self.ask(update)?).await?;
        Ok(())
    }

    /// An account with its limits and keys, and a pool of the same name over it.
    pub(crate) async fn fill(&self, name: &str, keys: usize) -> anyhow::Result<()> {
        let account = account(name, 0..keys.min(KEYS_PER_CALL));
        self.import(vec![account], vec![pool(name, name)]).await?;
        self.fill_more(name, keys.min(KEYS_PER_CALL)..keys).await
    }

    /// More keys in an account.
    pub(crate) async fn fill_more(&self, name: &str, keys: Range<usize>) -> anyhow::Result<()> {
        for first in keys.clone().step_by(KEYS_PER_CALL) {
            let mut more = account(name, first..keys.end.min(first + KEYS_PER_CALL));
            more.limits.clear();
            self.import(vec![more], Vec::new()).await?;
        }
        Ok(())
    }

    /// What was imported has been taken up and written out, and what that left is dropped.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let mut connection = self.postgres.connect_options().connect().await?;
        sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
        tokio::time::sleep(SETTLED_WITHIN).await;
        Ok(())
    }

    /// Pools over one account that is there.
    pub(crate) async fn pools_over(&self, account: &str, names: &[String]) -> anyhow::Result<()> {
        for names in names.chunks(POOLS_PER_CALL) {
            let pools = names.iter().map(|name| pool(name, account));
            self.import(Vec::new(), pools.collect()).await?;
        }
        Ok(())
    }

    /// Pools, each over an account of its own with one key and limits of its own.
    pub(crate) async fn pools_apart(&self, names: &[String]) -> anyhow::Result<()> {
        for names in names.chunks(POOLS_PER_CALL) {
            let accounts = names.iter().map(|name| account(name, 0..1));
            let pools = names.iter().map(|name| pool(name, name));
            self.import(accounts.collect(), pools.collect()).await?;
        }
        Ok(())
    }

    async fn import(
        &self,
        accounts: Vec<proto::ImportedAccount>,
        pools: Vec<proto::ImportedPool>,
    ) -> anyhow::Result<()> {
        let request = proto::ImportKeysRequest {
            accounts,
            pools,
            ..Default::default()
        };
        self.admin().import_keys(self.ask(request)?).await?;
        Ok(())
    }

    /// Leases some keys as a client would, and looks at each: a status of OK, a sealed id, the secret of the key it names.
    pub(crate) async fn sample(
        &self,
        pool: &str,
        count: u64,
    ) -> anyhow::Result<proto::LeaseKeyResponse> {
        self.sample_of(self.lessee(), pool, count).await
    }

    /// The same, of another replica.
    pub(crate) async fn sample_from(
        &self,
        address: SocketAddr,
        pool: &str,
        count: u64,
    ) -> anyhow::Result<()> {
        let lessee = LeaseServiceClient::connect(format!("http://{address}")).await?;
        self.sample_of(lessee, pool, count).await.map(drop)
    }

    async fn sample_of(
        &self,
        mut lessee: LeaseServiceClient<Channel>,
        pool: &str,
        count: u64,
    ) -> anyhow::Result<proto::LeaseKeyResponse> {
        let mut last = None;
        for _ in 0..count {
            let answer = lessee.lease_key(self.ask(request(pool))?).await?;
            let lease = answer.into_inner();
            let credential = lease.credential.as_ref().context("no credential")?;
            let value = credential.headers.first().map(|header| &header.value);
            let is_right = value == Some(&format!("Bearer {}", secret(&lease.key)));
            if !is_right || lease.granted != 1 || lease.lease_id.len() < 100 {
                bail!("not a lease of pools/{pool}");
            }
            last = Some(lease);
        }
        last.context("no sample was asked for")
    }
}

fn account(name: &str, keys: Range<usize>) -> proto::ImportedAccount {
    proto::ImportedAccount {
        account_id: name.to_owned(),
        account: Some(proto::Account {
            provider_profile: "openai".to_owned(),
            ..Default::default()
        }),
        keys: keys.map(|number| key(name, number)).collect(),
        limits: vec![
            limit("requests", proto::LimitDimension::Requests, REQUESTS),
            limit("tokens", proto::LimitDimension::Tokens, TOKENS),
        ],
    }
}

fn key(account: &str, number: usize) -> proto::ImportedKey {
    let id = format!("key-{number}");
    proto::ImportedKey {
        key: None,
        secret: Some(proto::Secret {
            value: secret(&format!("accounts/{account}/keys/{id}")),
            ..Default::default()
        }),
        key_id: id,
    }
}

/// As long as those of a large provider, and another for each key.
fn secret(key: &str) -> String {
    format!("sk-{key:->160}").replace('/', "-")
}

fn limit(id: &str, dimension: proto::LimitDimension, amount: i64) -> proto::ImportedLimit {
    let window = prost_types::Duration::try_from(Duration::from_mins(1)).ok();
    proto::ImportedLimit {
        limit_id: id.to_owned(),
        limit: Some(proto::Limit {
            dimension: dimension.into(),
            amount,
            window: window.map(limit::Window::Rolling),
            ..Default::default()
        }),
    }
}

fn pool(name: &str, account: &str) -> proto::ImportedPool {
    proto::ImportedPool {
        pool_id: name.to_owned(),
        pool: Some(proto::Pool {
            members: vec![proto::PoolMember {
                target: format!("accounts/{account}"),
                ..Default::default()
            }],
            ..Default::default()
        }),
    }
}
