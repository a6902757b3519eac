//! `keylease serve`: one replica, from its configuration to its end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::server::HealthReporter;

use super::config::ServeConfig;
use super::listeners::Listeners;
use super::opening;
use super::workers::{Workers, tell};
use super::{metrics, signals};
use crate::proto;
use crate::proto::admin_service_server::AdminServiceServer;
use crate::proto::lease_service_server::LeaseServiceServer;
use crate::service::admin::Admin;
use crate::service::authenticate::Authenticate;
use crate::service::lease::Leases;
use crate::store::replicas;
use crate::vault::Vault;

/// Calls at once on one connection.
const STREAMS_MAX: u32 = 2_000;
/// How often a silent connection is asked whether it is still there.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
/// After so long a connection is asked to go elsewhere, so that new replicas get their share; jittered by process.
const CONNECTION_AGE: Duration = Duration::from_mins(5);
/// How long open calls may take to end after the drain has begun.
const DRAIN_MAX: Duration = Duration::from_secs(8);
/// The health check that says that the process runs, whatever its database does.
const LIVENESS: &str = "liveness";
/// The stored and sealed formats that this release reads, as the highest of them.
const FORMATS: i32 = 1;

/// Binds, serves until SIGINT or SIGTERM, and drains.
///
/// # Errors
/// An address is taken, the vault cannot be opened, or the server failed.
pub async fn run(config: ServeConfig) -> anyhow::Result<()> {
    let shutdown = signals::shutdown()?;
    let listeners = Listeners::bind(&config).await?;
    run_until(config, listeners, shutdown.cancelled_owned()).await
}

/// Serves on these sockets until `shutdown` resolves, and drains.
///
/// # Errors
/// The vault cannot be opened, or the server failed.
pub async fn run_until(
    config: ServeConfig,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // The recorder comes first: what is counted before it is lost.
    metrics::recorder()?;
    let connections = config.database_connections_max;
    let pool = opening::database(&config.database, connections).await?;
    let vault = opening::vault(pool, config.master_key, config.snapshot_age_max).await?;
    vault
        .refresh(0)
        .await
        .context("the configuration cannot be read")?;
    let address = listeners.grpc.local_addr()?;
    register(&vault, &address.to_string()).await?;
    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status(LIVENESS, tonic_health::ServingStatus::Serving)
        .await;
    tell(&health, true).await;
    let workers = Workers::start(&vault, health.clone());
    let server = server(config.tls.clone(), vault.live().boot_id.as_u64_pair().0)?
        .add_service(health_service.clone())
        .add_service(reflection()?)
        .add_service(leases(&vault))
        .add_service(admin(&vault));
    tracing::info!(
        listen = %address,
        metrics.listen = bound(listeners.metrics.as_ref()),
        health.listen = bound(listeners.health.as_ref()),
        tls = config.tls.is_some(),
        replica = %vault.live().boot_id,
        "serving"
    );
    let (draining, ended) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(drain(
        shutdown,
        health,
        Arc::clone(&vault),
        config.drain_delay,
        draining.clone(),
    ));
    let incoming = TcpIncoming::from(listeners.grpc).with_nodelay(Some(true));
    let grpc = async {
        let serve =
            server.serve_with_incoming_shutdown(incoming, draining.clone().cancelled_owned());
        let overdue = async {
            draining.cancelled().await;
            tokio::time::sleep(DRAIN_MAX).await;
        };
        let served = tokio::select! {
            served = serve => served,
            () = overdue => {
                tracing::warn!("calls are still open, they are cut off");
                Ok(())
            }
        };
        ended.cancel();
        served.context("the server failed")
    };
    let page = async {
        match listeners.metrics {
            Some(listener) => metrics::serve(listener, ended.clone().cancelled_owned()).await,
            None => Ok(()),
        }
    };
    let probes = async {
        let Some(listener) = listeners.health else {
            return Ok(());
        };
        let serve = Server::builder()
            .add_service(health_service)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener),
                ended.clone().cancelled_owned(),
            );
        serve.await.context("the health checks failed")
    };
    let served = tokio::try_join!(grpc, page, probes).map(drop);
    workers.stop().await;
    leave(&vault).await;
    tracing::info!("ended");
    served
}

fn server(tls: Option<tonic::transport::ServerTlsConfig>, seed: u64) -> anyhow::Result<Server> {
    let jitter = Duration::from_secs(seed % 60);
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_EVERY))
        .max_connection_age(CONNECTION_AGE + jitter);
    match tls {
        Some(tls) => Ok(server.clone().tls_config(tls)?),
        None => Ok(server.clone()),
    }
}

fn leases(vault: &Arc<Vault>) -> InterceptedService<LeaseServiceServer<Leases>, Authenticate> {
    let authenticate = Authenticate::new(Arc::clone(vault));
    LeaseServiceServer::with_interceptor(Leases::new(Arc::clone(vault)), authenticate)
}

fn admin(vault: &Arc<Vault>) -> InterceptedService<AdminServiceServer<Admin>, Authenticate> {
    let authenticate = Authenticate::new(Arc::clone(vault));
    AdminServiceServer::with_interceptor(Admin::new(Arc::clone(vault)), authenticate)
}

fn reflection() -> anyhow::Result<
    tonic_reflection::server::v1::ServerReflectionServer<
        impl tonic_reflection::server::v1::ServerReflection,
    >,
> {
    let service = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok(service)
}

/// Where a socket listens, which port 0 does not say beforehand; none for one that is off.
fn bound(listener: Option<&TcpListener>) -> Option<String> {
    let address = listener.and_then(|listener| listener.local_addr().ok());
    address.map(|address| address.to_string())
}

async fn register(vault: &Vault, address: &str) -> anyhow::Result<()> {
    let mut connection = vault.pool().acquire().await?;
    let version = env!("CARGO_PKG_VERSION");
    replicas::register(
        &mut connection,
        vault.live().boot_id,
        address,
        version,
        FORMATS,
    )
    .await?;
    Ok(())
}

/// After `shutdown`: not ready, then time for the balancers to notice, then no new leases and no new calls.
async fn drain(
    shutdown: impl Future<Output = ()> + Send + 'static,
    health: HealthReporter,
    vault: Arc<Vault>,
    delay: Duration,
    draining: CancellationToken,
) {
    shutdown.await;
    tell(&health, false).await;
    tokio::time::sleep(delay).await;
    vault.live().drain();
    draining.cancel();
}

/// So that the others share what this replica no longer takes.
async fn leave(vault: &Vault) {
    let left = async {
        let mut connection = vault.pool().acquire().await?;
        replicas::leave(&mut connection, vault.live().boot_id).await
    };
    if let Err(error) = left.await {
        tracing::warn!(%error, "the replica could not take its leave, it will be forgotten in a few seconds");
    }
    vault.pool().close().await;
}
