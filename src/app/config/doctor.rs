//! What `doctor` runs with.

use std::path::PathBuf;

use clap::Args;

use super::{
    arguments::{DatabaseArguments, LogArguments, MasterKeyArguments},
    database::{self, DatabaseUrl},
    master_key::{self, MasterKeySources, SecretVariables},
    parse::finish,
    problems::{ConfigError, Problems},
};

/// `keylease doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArguments {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// The master keys.
    #[command(flatten)]
    pub master_key: MasterKeyArguments,
    /// Keep a high-water mark in this file, outside of the database and its backups, and compare with the one that is there: so a restored
    /// dump is told even where no replica ran on that could.
    #[arg(long, value_name = "PATH")]
    pub mark: Option<PathBuf>,
    /// Say it as JSON.
    #[arg(long)]
    pub json: bool,
    /// The logs.
    #[command(flatten)]
    pub log: LogArguments,
}

/// What `doctor` runs with.
#[derive(Debug)]
pub struct DoctorConfig {
    /// The database.
    pub database: DatabaseUrl,
    /// What opens the vault.
    pub master_key: MasterKeySources,
    /// Where the high-water mark is.
    pub mark: Option<PathBuf>,
    /// Say it as JSON.
    pub json: bool,
    /// What to log once logging runs.
    pub warnings: Vec<String>,
}

impl DoctorConfig {
    /// Parses all of it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(
        arguments: &DoctorArguments,
        secrets: SecretVariables,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let mut warnings = Vec::new();
        let database = problems.take(database::parse(&arguments.database.url, &mut warnings));
        let master_key = master_key::parse(&arguments.master_key, secrets, &mut warnings);
        let master_key = problems.take(master_key);
        let whole = || {
            Some(Self {
                database: database?,
                master_key: master_key?,
                mark: arguments.mark.clone(),
                json: arguments.json,
                warnings,
            })
        };
        finish(whole(), problems)
    }
}
