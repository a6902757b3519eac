//! `keylease serve`: one replica, from its configuration to its end.

use std::future::Future;

use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{config::ServeConfig, listeners::Listeners, metrics, signals};

/// Binds, serves until SIGINT or SIGTERM, and drains.
///
/// # Errors
/// An address is taken, or the server failed.
pub async fn run(config: ServeConfig) -> anyhow::Result<()> {
    let shutdown = signals::shutdown()?;
    let listeners = Listeners::bind(&config).await?;
    run_until(config, listeners, shutdown.cancelled_owned()).await
}

/// Serves on these sockets until `shutdown` resolves, and drains.
///
/// # Errors
/// The server failed.
pub async fn run_until(
    config: ServeConfig,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let stop = CancellationToken::new();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let mut server = Server::builder();
    if let Some(tls) = config.tls.clone() {
        server = server.tls_config(tls)?;
    }
    tracing::info!(listen = %listeners.grpc.local_addr()?, tls = config.tls.is_some(), "serving");
    let metrics = async {
        match listeners.metrics {
            Some(listener) => metrics::serve(listener, stop.clone().cancelled_owned()).await,
            None => Ok(()),
        }
    };
    let grpc = async {
        let serve = server
            .add_service(health)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listeners.grpc), shutdown);
        let served = serve.await;
        stop.cancel();
        Ok(served?)
    };
    tokio::try_join!(metrics, grpc).map(drop)
}
