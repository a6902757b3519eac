//! How long the audit is kept, and what the verbs run with that read it where it lies.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;

use super::{
    arguments::{DatabaseArguments, LogArguments, MasterKeyArguments, ServeArguments},
    database::{self, DatabaseUrl},
    duration,
    master_key::{self, MasterKeySources, SecretVariables},
    parse::finish,
    problems::{ConfigError, Problems},
};
use crate::app::retention::Retention;

/// Less than a day is no record; ten years are beyond any rule.
const AUDIT_AGE: RangeInclusive<Duration> =
    Duration::from_secs(86_400)..=Duration::from_secs(3_653 * 86_400);
/// `keylease audit verify`, `export` and `prune`
#[derive(Debug, Clone, Args)]
pub struct AuditArguments {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// The master key.
    #[command(flatten)]
    pub master_key: MasterKeyArguments,
    /// The logs.
    #[command(flatten)]
    pub log: LogArguments,
}

/// What these run with.
#[derive(Debug)]
pub struct AuditConfig {
    /// The database.
    pub database: DatabaseUrl,
    /// What opens the vault.
    pub master_key: MasterKeySources,
    /// What to log once logging runs.
    pub warnings: Vec<String>,
}

impl AuditConfig {
    /// Parses all of it.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(
        arguments: &AuditArguments,
        secrets: SecretVariables,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let mut warnings = Vec::new();
        let database = problems.take(database::parse(&arguments.database.url, &mut warnings));
        let (key, warned) = (&arguments.master_key, &mut warnings);
        let master_key = problems.take(master_key::parse(key, secrets, warned));
        let whole = || {
            Some(Self {
                database: database?,
                master_key: master_key?,
                warnings,
            })
        };
        finish(whole(), problems)
    }
}

/// How long records of changes and of leases are kept.
pub(super) fn retention(arguments: &ServeArguments, problems: &mut Problems) -> Option<Retention> {
    let mut age = |name, text: &str| {
        if text.trim() == "off" {
            return Some(None);
        }
        problems
            .take(duration::parse(name, text, &AUDIT_AGE))
            .map(Some)
    };
    let changes = age("KEYLEASE_AUDIT_AGE_MAX", &arguments.audit_age_max);
    let leases = age("KEYLEASE_JOURNAL_AGE_MAX", &arguments.journal_age_max);
    Some(Retention {
        changes: changes?,
        leases: leases?,
    })
}
