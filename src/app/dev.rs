//! `keylease dev`: everything for a first try, in one folder. It is made on first use and found again later.

use std::{future::Future, io::Write, path::Path};

use sqlx::{ConnectOptions, Connection};

mod folder;
mod home;
mod newcomer;
mod tokens;

use super::retention::Retention;
use super::{
    config::{self, DatabaseUrl, DevConfig, MasterKeySources, ServeConfig},
    listeners::Listeners,
    migrate,
    postgres::{Options, PrivatePostgres},
    serve, signals,
};
use crate::domain::endpoint::upstreams::Upstreams;
use crate::domain::ledger::standing::Replication;
use crate::outbound::Authorities;
use crate::store::cluster;
use home::Home;

/// Enough for one replica and a few curious people.
const DATABASE_CONNECTIONS_MAX: u32 = 10;
/// More than any first try opens, and few enough for the files of a laptop.
const CONNECTIONS_MAX: u32 = 256;
/// As `serve` has it; nobody balances load here, so there is no delay before the drain.
const SNAPSHOT_AGE_MAX: std::time::Duration = std::time::Duration::from_secs(300);

/// Brings everything up, serves until SIGINT or SIGTERM, and takes everything down.
///
/// # Errors
/// Each says what to do: Postgres is not installed, the folder is in use, the master key is gone.
pub async fn run(config: DevConfig) -> anyhow::Result<()> {
    let shutdown = signals::shutdown()?;
    run_until(config, shutdown.cancelled_owned()).await
}

/// The same until `shutdown` resolves.
///
/// # Errors
/// As [`run`].
pub async fn run_until(
    config: DevConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let home = Home::open(&config.data)?;
    let ran = run_in(&home, &config, shutdown).await;
    if ran.is_err() {
        home.leave_as_found();
    }
    ran
}

async fn run_in(
    home: &Home,
    config: &DevConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    // Before the database, so that there is never data without its key.
    home.ensure_master_key()?;
    let options = Options {
        binaries: config.postgres_binaries.clone(),
        ..Options::default()
    };
    let mut postgres = PrivatePostgres::start(&home.postgres(), &options).await?;
    // Of a run that was killed; its folder is ours now.
    home.forget_address();
    for note in postgres.notes() {
        tracing::info!("{note}");
    }
    let (database, url) = (postgres.connect_options(), postgres.url());
    let log = postgres.log_file();
    let served = tokio::select! {
        served = serve(config, home, (&database, &url), shutdown) => served,
        () = postgres.ended() => Err(anyhow::anyhow!("Postgres ended by itself; its log is {}", log.display())),
    };
    home.forget_address();
    let stopped = postgres.stop().await;
    served?;
    Ok(stopped?)
}

async fn serve(
    config: &DevConfig,
    home: &Home,
    (database, database_url): (&sqlx::postgres::PgConnectOptions, &str),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let mut connection = database.connect().await?;
    if !home.has_master_key() {
        // A database whose first start was cut short names none.
        let wrapped = cluster::wrapped_key(&mut connection).await.ok().flatten();
        let wanted = wrapped.map(|(_, fingerprint)| fingerprint);
        return Err(home.master_key_gone(wanted.as_deref()));
    }
    migrate::apply(&mut connection).await?;
    connection.close().await?;
    let database = DatabaseUrl::from_options(database.clone());
    let ensured = tokens::ensure(home, &database, home.master_key()?).await;
    ensured.map_err(|failure| match failure.downcast_ref() {
        // Its own remedy names a variable, which `dev` does not read.
        Some(crate::vault::OpenError::MissingMasterKey(missing)) => home.other_master_key(missing),
        Some(_) | None => failure,
    })?;
    let master_key = MasterKeySources::of_file(home.master_key_file());
    let serve_config = serve_config(config, database, master_key);
    let listeners = Listeners::bind(&serve_config).await?;
    let address = listeners.grpc.local_addr()?;
    let metrics = listeners
        .metrics
        .as_ref()
        .map(|listener| listener.local_addr())
        .transpose()?;
    home.remember_address(address)?;
    let welcome = newcomer::welcome(
        home.shown(),
        (home.database_elsewhere().as_deref(), database_url),
        address,
        metrics,
        Path::new(".env").exists(),
    );
    std::io::stdout().write_all(welcome.as_bytes())?;
    serve::run_until(serve_config, listeners, shutdown).await
}

fn serve_config(
    config: &DevConfig,
    database: DatabaseUrl,
    master_key: MasterKeySources,
) -> ServeConfig {
    ServeConfig {
        database,
        database_connections_max: DATABASE_CONNECTIONS_MAX,
        master_key,
        listen: config.listen,
        metrics_listen: config.metrics_listen,
        health_listen: None,
        connections_max: CONNECTIONS_MAX,
        tls: None,
        snapshot_age_max: SNAPSHOT_AGE_MAX,
        replication: Replication::Synchronous,
        drain_delay: std::time::Duration::ZERO,
        upstreams: Upstreams::LoopbackToo,
        retention: Retention::default(),
        authorities: Authorities::default(),
        alerting: config::logged(),
        warnings: Vec::new(),
    }
}
