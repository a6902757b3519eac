//! Arguments in, configuration out, for all commands but `serve`.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{
    arguments::{BootstrapArguments, LogArguments, MigrateArguments},
    database::{self, DatabaseUrl},
    dev_arguments::DevArguments,
    duration, listen,
    log::{self, LogConfig},
    master_key::{self, MasterKeySources, SecretVariables},
    problems::{ConfigError, Problems, given_path},
};

/// Where `dev` keeps everything, unless it is told.
const DATA_DEFAULT: &str = ".keylease";
/// An hour is beyond any database's start.
const WAIT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// What `migrate` runs with.
#[derive(Debug)]
pub struct MigrateConfig {
    /// The database.
    pub database: DatabaseUrl,
    /// How long to go on trying while it does not answer.
    pub wait: Duration,
    /// What to log once logging runs.
    pub warnings: Vec<String>,
}

impl MigrateConfig {
    /// Parses all of it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(arguments: &MigrateArguments) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let mut warnings = Vec::new();
        let database = problems.take(database::parse(&arguments.url, &mut warnings));
        let wait = problems.take(duration::parse(
            "KEYLEASE_MIGRATE_WAIT",
            &arguments.wait,
            &WAIT,
        ));
        let whole = || {
            Some(Self {
                database: database?,
                wait: wait?,
                warnings,
            })
        };
        finish(whole(), problems)
    }
}

/// What `bootstrap` runs with.
#[derive(Debug)]
pub struct BootstrapConfig {
    /// The database.
    pub database: DatabaseUrl,
    /// What opens the vault.
    pub master_key: MasterKeySources,
    /// Where the token goes; standard output if nowhere.
    pub token_file: Option<PathBuf>,
    /// Make a token although there is an admin.
    pub recover: bool,
    /// What to log once logging runs.
    pub warnings: Vec<String>,
}

impl BootstrapConfig {
    /// Parses all of it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(
        arguments: &BootstrapArguments,
        secrets: SecretVariables,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let mut warnings = Vec::new();
        let database = problems.take(database::parse(&arguments.database.url, &mut warnings));
        let master_key = problems.take(master_key::parse(
            &arguments.master_key,
            secrets,
            &mut warnings,
        ));
        let whole = || {
            Some(Self {
                database: database?,
                master_key: master_key?,
                token_file: arguments.token_file.clone(),
                recover: arguments.recover,
                warnings,
            })
        };
        finish(whole(), problems)
    }
}

/// What `dev` runs with.
#[derive(Debug)]
pub struct DevConfig {
    /// Where everything is kept.
    pub data: PathBuf,
    /// Where gRPC listens: loopback.
    pub listen: SocketAddr,
    /// Where /metrics is, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Where server binaries are, if that is known.
    pub postgres_binaries: Option<PathBuf>,
}

impl DevConfig {
    /// Parses all of it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(arguments: &DevArguments) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let listen = problems.take(listen::loopback("KEYLEASE_LISTEN", &arguments.listen));
        let metrics = problems.take(listen::address_or_off(
            "KEYLEASE_METRICS_LISTEN",
            &arguments.metrics_listen,
        ));
        problems.extend(listen::check_apart(listen, metrics, None));
        let data = given_path(Some(&arguments.data));
        let whole = || {
            Some(Self {
                data: data.unwrap_or_else(|| PathBuf::from(DATA_DEFAULT)),
                listen: listen?,
                metrics_listen: metrics?,
                postgres_binaries: given_path(arguments.postgres_bin.as_ref()),
            })
        };
        finish(whole(), problems)
    }
}

impl LogConfig {
    /// Parses what the command was given.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(arguments: &LogArguments) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let filter = problems.take(log::filter(arguments));
        let format = problems.take(log::format(arguments));
        let whole = || {
            Some(Self {
                filter: filter?,
                format: format?,
            })
        };
        finish(whole(), problems)
    }
}

/// The whole, if nothing was wrong.
pub(super) fn finish<T>(whole: Option<T>, problems: Problems) -> Result<T, ConfigError> {
    match whole {
        Some(config) => problems.none().map(|()| config),
        None => Err(problems.into_error()),
    }
}
