//! `keylease serve`: one replica, from its configuration to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::HealthReporter;

use super::config::{MasterKeySources, ServeConfig};
use super::gate::Gate;
use super::incoming::{self, READERS_MAX};
use super::listeners::Listeners;
use super::{drain, metrics, open_files, opening, reflection, signals, supervision};
use super::{poll::tell, workers::Workers};
use crate::domain::endpoint::upstreams::Upstreams;
use crate::domain::ledger::standing::Replication;
use crate::live::heartbeat::Heart;
use crate::outbound::{Names, Outbound};
use crate::proto::admin_service_server::AdminServiceServer;
use crate::proto::lease_service_server::LeaseServiceServer;
use crate::service::admin::Admin;
use crate::service::authenticate::Authenticate;
use crate::service::lease::Leases;
use crate::service::{ahead::Ahead, call_bound::CallBound, observe::Observe, restate::Restate};
use crate::store::replicas::Enrolment;
use crate::vault::{Alerting, Vault};

/// Calls at once on one connection.
const STREAMS_MAX: u32 = 2_000;
/// The largest message of a call that nobody has to be known for: health and reflection.
const OPEN_MESSAGE_MAX: usize = 16 * 1024;
/// The largest request of the lease service: a report of a hundred outcomes with the beginnings of their bodies.
const LEASE_MESSAGE_MAX: usize = 1024 * 1024;
/// The longest that a call may take, its sending included: longer than the longest wait in line. Streams go on for longer.
const CALL_MAX: Duration = Duration::from_secs(75);
/// How often a silent connection is asked whether it is still there.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
/// After so long a connection is asked to go elsewhere, so that new replicas get their share; jittered by process.
const CONNECTION_AGE: Duration = Duration::from_mins(5);
/// The health check that says that the process runs, whatever its database does.
const LIVENESS: &str = "liveness";
/// The stored and sealed formats that this release reads, as the highest of them.
const FORMATS: i32 = 3;

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
    let warnings = config.warnings.iter();
    warnings.for_each(|warning| tracing::warn!("{warning}"));
    // The recorder comes first: what is counted before it is lost.
    metrics::recorder()?;
    let database = opening::database(&config.database, config.database_connections_max).await?;
    let terms = terms(&config);
    let (vault, master_keys) = open_vault(database, config.master_key, terms).await?;
    let address = listeners.grpc.local_addr()?;
    let heart = heart(&vault, address.to_string(), config.replication);
    heart.beat().await.context("the ledger cannot be read")?;
    let (health, health_service) = serving().await;
    let kept = config.retention;
    let workers = Workers::start(
        &vault,
        heart,
        health.clone(),
        &config.alerting,
        kept,
        master_keys,
    );
    let failed = workers.failed();
    let server = server(vault.live().boot_id.as_u64_pair().0)
        .layer((
            Observe::new(),
            Restate,
            CallBound(CALL_MAX),
            Ahead(leases(&vault)),
        ))
        .add_service(health_service.clone())
        .add_service(reflection::service(OPEN_MESSAGE_MAX)?)
        .add_service(admin(&vault, config.upstreams, config.alerting));
    say_where(&listeners, address, config.tls.is_some(), &vault);
    let (draining, ended) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(drain::drain(
        supervision::until(shutdown, failed.clone()),
        health,
        Arc::clone(&vault),
        config.drain_delay,
        draining.clone(),
    ));
    let (clients, database) = (config.connections_max, config.database_connections_max);
    let gate = gate(listeners.grpc, clients, database);
    let incoming = incoming::greeted(gate, config.tls);
    let grpc = server.serve_with_incoming_shutdown(incoming, draining.clone().cancelled_owned());
    let grpc = drain::until_drained(grpc, draining, ended.clone());
    let grpc = async { grpc.await.context("the server failed") };
    let page = metrics::serve(listeners.metrics, ended.clone().cancelled_owned());
    let page = drain::until_ended(page, ended.clone());
    let probes = probes(listeners.health, health_service, ended.clone());
    let probes = drain::until_ended(probes, ended);
    let served = tokio::try_join!(grpc, page, probes).map(drop);
    drain::end(workers, &vault, config.drain_delay).await;
    tracing::info!("ended");
    served.and_then(|()| supervision::verdict(&failed))
}

/// How old what is served from may be, and how our own requests go out.
fn terms(config: &ServeConfig) -> (Duration, Outbound) {
    let outbound = Outbound::trusting(config.upstreams, Names::System, &config.authorities);
    (config.snapshot_age_max, outbound)
}

/// Opens the vault and takes up its configuration.
async fn open_vault(
    database: PgPool,
    master_key: MasterKeySources,
    (snapshot_age_max, outbound): (Duration, Outbound),
) -> anyhow::Result<(Arc<Vault>, MasterKeySources)> {
    let opened = opening::vault(database, master_key, snapshot_age_max, outbound).await?;
    let refreshed = opened.0.refresh(0).await;
    refreshed.context("the configuration cannot be read")?;
    Ok(opened)
}

/// The gate of gRPC, with as many places as the files leave that the rest does not need.
fn gate(listener: TcpListener, clients_max: u32, database_connections_max: u32) -> Gate {
    let kept = 2 * READERS_MAX as u64 + u64::from(database_connections_max);
    let clients_max = open_files::room(clients_max, kept);
    Gate::new(listener, "grpc", clients_max as usize)
}

/// What health checks are answered: that it lives, and serves.
async fn serving() -> (HealthReporter, HealthServer<impl Health>) {
    let (health, service) = tonic_health::server::health_reporter();
    health
        .set_service_status(LIVENESS, tonic_health::ServingStatus::Serving)
        .await;
    tell(&health, true).await;
    (health, service.max_decoding_message_size(OPEN_MESSAGE_MAX))
}

/// Says in the log where it serves.
fn say_where(listeners: &Listeners, address: SocketAddr, has_tls: bool, vault: &Vault) {
    tracing::info!(
        listen = %address,
        metrics.listen = bound(listeners.metrics.as_ref()),
        health.listen = bound(listeners.health.as_ref()),
        tls = has_tls,
        replica = %vault.live().boot_id,
        "serving"
    );
}

/// Serves health checks in plaintext, where they are to be served.
async fn probes(
    listener: Option<TcpListener>,
    health: HealthServer<impl Health>,
    ended: CancellationToken,
) -> anyhow::Result<()> {
    let Some(listener) = listener else {
        return Ok(());
    };
    let server = server(0).layer(Restate).add_service(health);
    let incoming = incoming::greeted(Gate::new(listener, "health", READERS_MAX), None);
    let served = server.serve_with_incoming_shutdown(incoming, ended.cancelled_owned());
    served.await.context("the health checks failed")
}

/// A server as `serve` sets it up; `seed` spreads what happens after a while over the replicas.
pub fn server(seed: u64) -> Server {
    let jitter = Duration::from_secs(seed % 60);
    Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_EVERY))
        .timeout(CALL_MAX)
        .max_connection_age(CONNECTION_AGE + jitter)
}

fn leases(vault: &Arc<Vault>) -> InterceptedService<LeaseServiceServer<Leases>, Authenticate> {
    let authenticate = Authenticate::new(Arc::clone(vault));
    let leases = Leases::new(Arc::clone(vault));
    let server = LeaseServiceServer::new(leases).max_decoding_message_size(LEASE_MESSAGE_MAX);
    InterceptedService::new(server, authenticate)
}

fn admin(
    vault: &Arc<Vault>,
    upstreams: Upstreams,
    alerting: Arc<Alerting>,
) -> InterceptedService<AdminServiceServer<Admin>, Authenticate> {
    let admin = Admin::new(Arc::clone(vault), upstreams, alerting);
    AdminServiceServer::with_interceptor(admin, Authenticate::new(Arc::clone(vault)))
}

/// Where a socket listens, which port 0 does not say beforehand; none for one that is off.
fn bound(listener: Option<&TcpListener>) -> Option<String> {
    let address = listener.and_then(|listener| listener.local_addr().ok());
    address.map(|address| address.to_string())
}

fn heart(vault: &Vault, address: String, replication: Replication) -> Heart {
    let enrolment = Enrolment {
        address,
        version: env!("CARGO_PKG_VERSION"),
        formats: FORMATS,
        serves: vault.live().snapshot_age_max(),
    };
    let (live, pool) = (Arc::clone(vault.live()), vault.pool().clone());
    Heart::new(live, pool, enrolment, replication)
}
