//! The sockets of a server, bound before it serves, so that a test or `dev` can ask for port 0 and learn what it got.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;

use super::config::ServeConfig;

/// The sockets of a server.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC.
    pub grpc: TcpListener,
    /// /metrics.
    pub metrics: Option<TcpListener>,
    /// Plaintext health checks.
    pub health: Option<TcpListener>,
}

impl Listeners {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// An address is taken or not of this machine; its variable is named.
    pub async fn bind(config: &ServeConfig) -> anyhow::Result<Self> {
        Ok(Self {
            grpc: bind("KEYLEASE_LISTEN", config.listen).await?,
            metrics: bind_some("KEYLEASE_METRICS_LISTEN", config.metrics_listen).await?,
            health: bind_some("KEYLEASE_HEALTH_LISTEN", config.health_listen).await?,
        })
    }
}

async fn bind_some(name: &str, address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    match address {
        Some(address) => bind(name, address).await.map(Some),
        None => Ok(None),
    }
}

async fn bind(name: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("can't listen on {address}, which {name} names: choose another address, or port 0 for a free one")
    })
}
