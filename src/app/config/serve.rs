//! What `serve` runs with.

use std::{net::SocketAddr, ops::RangeInclusive, sync::Arc, time::Duration};

use tokio_rustls::rustls::ServerConfig;

use super::{
    alerts,
    arguments::ServeArguments,
    audit, authorities,
    database::{self, DatabaseUrl},
    duration,
    flag_values::switch,
    listen, log,
    master_key::{self, MasterKeySources, SecretVariables},
    parse::finish,
    problems::{ConfigError, Problems, given_path},
    secret_file,
    strangers::Strangers,
};
use crate::app::retention::Retention;
use crate::app::{drain, tls};
use crate::domain::endpoint::upstreams::Upstreams;
use crate::domain::ledger::standing::Replication;
use crate::outbound::Authorities;
use crate::vault::Alerting;

/// One reserves permits, one serves the rest; beyond 200 Postgres itself suffers.
const DATABASE_CONNECTIONS: RangeInclusive<u32> = 2..=200;
/// Fewer lock a small fleet out; more need a memory that no replica has.
const CONNECTIONS: RangeInclusive<u32> = 16..=100_000;
/// Shorter than the poll's few retries would make every hiccup an outage; longer and a revocation means little.
const SNAPSHOT_AGE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3600);
/// With what comes after it, the process still ends in under 30 s.
const DRAIN_DELAY: RangeInclusive<Duration> = Duration::ZERO..=drain::DELAY_MAX;
/// Longer than any standby lags that is fit to take over.
const FAILOVER_LOSS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
/// What `serve` runs with.
#[derive(Debug)]
pub struct ServeConfig {
    /// The database.
    pub database: DatabaseUrl,
    /// Connections to it at once.
    pub database_connections_max: u32,
    /// What opens the vault.
    pub master_key: MasterKeySources,
    /// Where gRPC listens.
    pub listen: SocketAddr,
    /// Where /metrics is, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Where plaintext health checks are, if anywhere.
    pub health_listen: Option<SocketAddr>,
    /// Connections of gRPC clients at once.
    pub connections_max: u32,
    /// TLS, or none where plaintext is allowed. It has been tried: certificate and key belong together.
    pub tls: Option<Arc<ServerConfig>>,
    /// How old the snapshot may be that leases are given from.
    pub snapshot_age_max: Duration,
    /// What the database may lose when a standby takes over.
    pub replication: Replication,
    /// Between NOT_SERVING and draining.
    pub drain_delay: Duration,
    /// What accounts may have as base URL and hosts; `dev` lets them be on this machine.
    pub upstreams: Upstreams,
    /// How long the audit is kept.
    pub retention: Retention,
    /// Whom probes and alerts believe that a host is who it says.
    pub authorities: Authorities,
    /// Where alerts go.
    pub alerting: Arc<Alerting>,
    /// What to log once logging runs.
    pub warnings: Vec<String>,
}

impl ServeConfig {
    /// Parses all of it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(
        arguments: &ServeArguments,
        secrets: SecretVariables,
        strangers: &Strangers,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let mut warnings: Vec<String> = strangers.warnings().collect();
        problems.extend(strangers.problems());
        let database = problems.take(database::parse(&arguments.database.url, &mut warnings));
        let (connections, clients) = connections(arguments, &mut problems);
        let master_key = problems.take(master_key::parse(
            &arguments.master_key,
            secrets,
            &mut warnings,
        ));
        let (listen, metrics, health) = addresses(arguments, &mut problems);
        let tls = problems.take(tls(arguments, listen, &mut warnings));
        let snapshot_age = problems.take(duration::parse(
            "KEYLEASE_SNAPSHOT_AGE_MAX",
            &arguments.snapshot_age_max,
            &SNAPSHOT_AGE,
        ));
        let replication = problems.take(replication(&arguments.failover_loss_max));
        let drain_delay = problems.take(duration::parse(
            "KEYLEASE_DRAIN_DELAY",
            &arguments.drain_delay,
            &DRAIN_DELAY,
        ));
        // The log is parsed apart, before anything else runs; here only so that its mistakes are listed with the others.
        problems.take(log::filter(&arguments.log));
        problems.take(log::format(&arguments.log));
        let upstreams = problems.take(upstreams(arguments, &mut warnings));
        let authorities = problems.take(authorities::parse(arguments.outbound_ca_file.as_ref()));
        let believed = authorities.clone().unwrap_or_default();
        let alerting = alerts::parse(&arguments.alerts, &believed, &mut problems, &mut warnings);
        let retention = audit::retention(arguments, &mut problems);
        let whole = || {
            Some(Self {
                database: database?,
                database_connections_max: connections?,
                master_key: master_key?,
                listen: listen?,
                metrics_listen: metrics?,
                health_listen: health?,
                connections_max: clients?,
                tls: tls?,
                snapshot_age_max: snapshot_age?,
                replication: replication?,
                drain_delay: drain_delay?,
                upstreams: upstreams?,
                retention: retention?,
                authorities: authorities?,
                alerting: alerting?,
                warnings,
            })
        };
        finish(whole(), problems)
    }
}

fn upstreams(arguments: &ServeArguments, warnings: &mut Vec<String>) -> Result<Upstreams, String> {
    let accepted = &arguments.insecure_loopback_upstreams;
    if !switch("KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS", accepted)? {
        return Ok(Upstreams::Remote);
    }
    warnings.push(
        "KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS: accounts may send their secrets to whatever listens on a caller's own machine".to_owned(),
    );
    Ok(Upstreams::LoopbackToo)
}

fn replication(text: &str) -> Result<Replication, String> {
    if text.trim() == "none" {
        return Ok(Replication::Synchronous);
    }
    let loss = duration::parse("KEYLEASE_FAILOVER_LOSS_MAX", text, &FAILOVER_LOSS)?;
    Ok(Replication::Asynchronous(loss))
}

/// Where gRPC, metrics and health checks are.
fn addresses(
    arguments: &ServeArguments,
    problems: &mut Problems,
) -> (
    Option<SocketAddr>,
    Option<Option<SocketAddr>>,
    Option<Option<SocketAddr>>,
) {
    let listen = problems.take(listen::address("KEYLEASE_LISTEN", &arguments.listen));
    let mut other = |name, text| problems.take(listen::address_or_off(name, text));
    let metrics = other("KEYLEASE_METRICS_LISTEN", &arguments.metrics_listen);
    let health = other("KEYLEASE_HEALTH_LISTEN", &arguments.health_listen);
    problems.extend(listen::check_apart(listen, metrics, health));
    (listen, metrics, health)
}

/// To the database, and of clients.
fn connections(arguments: &ServeArguments, problems: &mut Problems) -> (Option<u32>, Option<u32>) {
    let database = count(
        "KEYLEASE_DATABASE_CONNECTIONS_MAX",
        &arguments.database.database_connections_max,
        &DATABASE_CONNECTIONS,
    );
    let clients = count(
        "KEYLEASE_CONNECTIONS_MAX",
        &arguments.connections_max,
        &CONNECTIONS,
    );
    (problems.take(database), problems.take(clients))
}

fn count(name: &str, text: &str, range: &RangeInclusive<u32>) -> Result<u32, String> {
    let text = text.trim();
    let count = text.parse().ok().filter(|count| range.contains(count));
    count.ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        format!("{name} is {text:?}: give a whole number from {least} to {most}")
    })
}

fn tls(
    arguments: &ServeArguments,
    listen: Option<SocketAddr>,
    warnings: &mut Vec<String>,
) -> Result<Option<Arc<ServerConfig>>, String> {
    let accepted = switch("KEYLEASE_INSECURE_PLAINTEXT", &arguments.insecure_plaintext)?;
    match (
        given_path(arguments.tls_cert_file.as_ref()),
        given_path(arguments.tls_key_file.as_ref()),
    ) {
        (Some(certificate), Some(key)) => {
            let key_text = secret_file::read("KEYLEASE_TLS_KEY_FILE", &key, warnings)?;
            tls::server(&certificate, &key, &key_text).map(Some)
        }
        (Some(_), None) => Err(
            "KEYLEASE_TLS_CERT_FILE is set and KEYLEASE_TLS_KEY_FILE is not: set both, or neither"
                .to_owned(),
        ),
        (None, Some(_)) => Err(
            "KEYLEASE_TLS_KEY_FILE is set and KEYLEASE_TLS_CERT_FILE is not: set both, or neither"
                .to_owned(),
        ),
        (None, None) => {
            // A bad address is named already.
            let Some(listen) = listen else {
                return Ok(None);
            };
            warnings.extend(listen::check_plaintext(listen, accepted)?);
            Ok(None)
        }
    }
}
