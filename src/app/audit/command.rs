//! The command line of `keylease audit`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::VERIFY_HELP;
use crate::app::commands::start;
use crate::app::config::{AuditArguments, AuditConfig, SecretVariables};

/// `keylease audit`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verify every record: finds any that was changed, removed or moved, and says which; needs the database and the master key
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArguments),
    /// Remove the oldest records, so that what remains still verifies; needs the database and the master key
    Prune(PruneArguments),
    /// Print every record as a line of JSON, with its place in its chain; needs the database and the master key
    Export(AuditArguments),
    /// The client's.
    #[command(flatten)]
    Client(crate::cli::AuditCommand),
}

/// `keylease audit verify`
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// What is common to both verbs.
    #[command(flatten)]
    pub common: AuditArguments,
    /// What an earlier `verify --json` printed, kept where nobody who writes to the database can: finds records that were all set back
    /// together since.
    #[arg(long, value_name = "PATH")]
    pub noted: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `keylease audit prune`
#[derive(Debug, Args)]
pub struct PruneArguments {
    /// What is common to all of them.
    #[command(flatten)]
    pub common: AuditArguments,
    /// Which records: of changes, or of leases.
    #[arg(long, value_name = "changes|leases", value_parser = ["changes", "leases"])]
    pub chain: String,
    /// How old they have to be, such as 400days.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub older_than: Duration,
    /// Why, for the audit: beside it stand the user who ran this, and the age.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub reason: String,
}

/// Runs a verb that needs no server.
///
/// # Errors
/// The configuration is wrong, or the verb failed.
pub(crate) fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    let config = |common| AuditConfig::parse(common, SecretVariables::of_environment());
    match command {
        AuditCommand::Verify(arguments) => {
            let common = &arguments.common;
            let noted = arguments.noted.as_deref();
            let verified = super::verify(config(common)?, noted, arguments.json);
            start(&common.log, verified)
        }
        AuditCommand::Prune(arguments) => {
            let common = &arguments.common;
            let (chain, age) = (&arguments.chain, arguments.older_than);
            let pruned = super::prune(config(common)?, chain, age, &arguments.reason);
            start(&common.log, pruned).map(|()| ExitCode::SUCCESS)
        }
        AuditCommand::Export(common) => {
            let exported = super::export(config(&common)?);
            start(&common.log, exported).map(|()| ExitCode::SUCCESS)
        }
        AuditCommand::Client(_) => Ok(ExitCode::SUCCESS),
    }
}
