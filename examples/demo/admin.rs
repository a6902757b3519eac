//! The operator's side of the vault, over gRPC: a second limit, and the status as it changes.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use keylease::proto::admin_service_client::AdminServiceClient;
use keylease::proto::{
    CreateLimitRequest, GetStatusRequest, KeyStatus, Limit, LimitDimension, PoolStatus,
    WatchStatusRequest, limit,
};
use tokio::sync::watch;
use tonic::Streaming;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::bearer::Bearer;
use crate::provider::BURST;

/// The pool that the import makes.
pub(crate) const POOL: &str = "pools/openai";

/// A connection to the vault, as the admin.
#[derive(Debug, Clone)]
pub(crate) struct Admin(AdminServiceClient<InterceptedService<Channel, Bearer>>);

impl Admin {
    /// Connects with the token in a file.
    pub(crate) async fn connect(server: &str, token_file: &Path) -> anyhow::Result<Self> {
        let channel = Endpoint::from_shared(server.to_owned())?
            .connect()
            .await
            .context("cannot connect to the vault")?;
        let client = AdminServiceClient::with_interceptor(channel, Bearer::read(token_file)?);
        Ok(Self(client))
    }

    /// The pool as it stands.
    pub(crate) async fn status(&mut self) -> anyhow::Result<PoolStatus> {
        let request = GetStatusRequest { pool: POOL.into() };
        let answer = self.0.get_status(request).await.context("GetStatus")?;
        answer.into_inner().status.context("an empty status")
    }

    /// Tells the vault of the provider's second limit.
    pub(crate) async fn limit_bursts(&mut self, account: &str) -> anyhow::Result<()> {
        let window = Duration::from_millis(BURST.window_ms);
        let limit = Limit {
            dimension: LimitDimension::Requests.into(),
            amount: i64::try_from(BURST.amount)?,
            window: Some(limit::Window::Rolling(window.try_into()?)),
            ..Limit::default()
        };
        let request = CreateLimitRequest {
            parent: account.to_owned(),
            limit_id: "burst".into(),
            limit: Some(limit),
            ..CreateLimitRequest::default()
        };
        self.0.create_limit(request).await.context("CreateLimit")?;
        Ok(())
    }

    /// Follows the status of the pool once a second.
    pub(crate) async fn watch(&mut self) -> anyhow::Result<watch::Receiver<PoolStatus>> {
        let request = WatchStatusRequest {
            pool: POOL.into(),
            interval: Some(Duration::from_secs(1).try_into()?),
        };
        let answer = self.0.watch_status(request).await.context("WatchStatus")?;
        let mut stream = answer.into_inner();
        let first = next(&mut stream)
            .await
            .context("WatchStatus ended at once")?;
        let (sender, receiver) = watch::channel(first);
        tokio::spawn(async move {
            while let Some(status) = next(&mut stream).await {
                sender.send_replace(status);
            }
        });
        Ok(receiver)
    }
}

async fn next(stream: &mut Streaming<keylease::proto::WatchStatusResponse>) -> Option<PoolStatus> {
    stream.message().await.ok().flatten()?.status
}

/// The account of a key, `accounts/{account}`.
pub(crate) fn account_of(key: &KeyStatus) -> &str {
    key.key.split("/keys/").next().unwrap_or_default()
}

/// The last segment of a resource name.
pub(crate) fn id_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
