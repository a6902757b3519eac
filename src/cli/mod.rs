//! Our own gRPC client: the admin verbs of the `keylease` binary, `lease` and `report`.
//!
//! The binary flattens [`Command`] into its own commands and hands it to [`run`]. Of `master-key` and
//! `audit`, the client's verbs are [`MasterKeyCommand`] and [`AuditCommand`], to be flattened beside those that need no server, and run by
//! [`run_master_key`] and [`run_audit`].

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Subcommand;

mod accounts;
mod address;
mod alerts;
mod audit;
mod callers;
mod connect;
mod cost;
mod errors;
mod estimate;
mod explain;
mod failure;
mod field_flags;
mod flags;
mod health;
mod import;
mod keys;
mod lease;
mod limits;
mod master_key;
mod money;
mod names;
mod output;
mod paging;
mod placeholders;
mod pools;
mod prices;
mod providers;
mod refusals;
mod remedies;
mod renew;
mod report;
mod role;
mod rotations;
mod rotators;
mod secret;
mod status;
mod table;
mod tokens;
mod unbuilt;
mod usage;
mod variables;
mod view;
mod words;

pub use audit::AuditCommand;
pub use connect::ClientArgs;
pub use master_key::MasterKeyCommand;
pub(crate) use table::width as terminal_width;
pub use usage::{usage_as_json, with_negative_numbers, without_arguments};
pub(crate) use words::printable_lines;

use failure::Failure;

/// What every command's help ends with.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 server unreachable or caller not known.";

/// The commands that talk to a server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Provider-side organisations that own keys and limits
    #[command(after_help = EXIT_CODES)]
    Accounts(accounts::Accounts),
    /// Credentials of accounts, their versions and rotations, and imports
    #[command(after_help = EXIT_CODES)]
    Keys(keys::Keys),
    /// Replacements of keys' secrets, step by step
    #[command(after_help = EXIT_CODES)]
    Rotations(rotations::Rotations),
    /// Who makes new secrets by itself: a web address per account
    #[command(after_help = EXIT_CODES)]
    Rotators(rotators::Rotators),
    /// What callers lease from
    #[command(after_help = EXIT_CODES)]
    Pools(pools::Pools),
    /// Who may call, and what they may do
    #[command(after_help = EXIT_CODES)]
    Callers(callers::Callers),
    /// At most so many units in a window, over all replicas
    #[command(after_help = EXIT_CODES)]
    Limits(limits::Limits),
    /// What was spent, by pool, account, model, caller, tag or day
    #[command(after_help = cost::HELP)]
    Cost(cost::CostArgs),
    /// Where accounts go: what is held against a provider as a whole
    #[command(after_help = EXIT_CODES)]
    Providers(providers::Providers),
    /// What models cost
    #[command(after_help = EXIT_CODES)]
    Prices(prices::Prices),
    /// Callers' tokens
    #[command(after_help = EXIT_CODES)]
    Tokens(tokens::Tokens),
    /// A pool at a glance: keys, health, limits
    #[command(after_help = status::HELP)]
    Status(status::StatusArgs),
    /// Why each key of a pool would or would not be leased now
    #[command(after_help = explain::HELP)]
    Explain(explain::ExplainArgs),
    /// Lease a key
    #[command(after_help = lease::HELP)]
    Lease(lease::LeaseArgs),
    /// Let a lease go on
    #[command(after_help = renew::HELP)]
    Renew(renew::RenewArgs),
    /// Report what became of a lease
    #[command(after_help = report::HELP)]
    Report(report::ReportArgs),
    /// What people were told of: dead keys, pools without keys, rotations
    #[command(after_help = EXIT_CODES)]
    Alerts(alerts::Alerts),
}

impl Command {
    fn client(&self) -> &ClientArgs {
        match self {
            Self::Accounts(command) => &command.client,
            Self::Keys(command) => &command.client,
            Self::Rotations(command) => &command.client,
            Self::Rotators(command) => &command.client,
            Self::Pools(command) => &command.client,
            Self::Callers(command) => &command.client,
            Self::Limits(command) => &command.client,
            Self::Cost(command) => &command.client,
            Self::Providers(command) => &command.client,
            Self::Prices(command) => &command.client,
            Self::Tokens(command) => &command.client,
            Self::Status(command) => &command.client,
            Self::Explain(command) => &command.client,
            Self::Lease(command) => &command.client,
            Self::Renew(command) => &command.client,
            Self::Report(command) => &command.client,
            Self::Alerts(command) => &command.client,
        }
    }
}

/// Runs a command to its end; failures are printed to stderr.
pub async fn run(command: Command) -> ExitCode {
    let client = command.client().clone();
    finish(&client, async {
        match command {
            Command::Accounts(command) => accounts::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Rotations(command) => rotations::run(command).await,
            Command::Rotators(command) => rotators::run(command).await,
            Command::Pools(command) => pools::run(command).await,
            Command::Callers(command) => callers::run(command).await,
            Command::Limits(command) => limits::run(command).await,
            Command::Cost(command) => cost::run(command).await,
            Command::Providers(command) => providers::run(command).await,
            Command::Prices(command) => prices::run(command).await,
            Command::Tokens(command) => tokens::run(command).await,
            Command::Status(command) => status::run(command).await,
            Command::Explain(command) => explain::run(command).await,
            Command::Lease(command) => lease::run(command).await,
            Command::Renew(command) => renew::run(command).await,
            Command::Report(command) => report::run(command).await,
            Command::Alerts(command) => alerts::run(command).await,
        }
    })
    .await
}

/// Runs a client verb of `master-key`; failures are printed to stderr.
pub async fn run_master_key(command: MasterKeyCommand) -> ExitCode {
    let client = command.client().clone();
    finish(&client, master_key::run(command)).await
}

/// Runs a client verb of `audit`; failures are printed to stderr.
pub async fn run_audit(command: AuditCommand) -> ExitCode {
    let client = command.client().clone();
    finish(&client, audit::run(command)).await
}

/// Prints how a verb failed, if it did.
async fn finish(client: &ClientArgs, verb: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let Err(failure) = verb.await else {
        return ExitCode::SUCCESS;
    };
    if !matches!(failure, Failure::OutputClosed) {
        let report = errors::Report::of(&failure, &client.server);
        let text = if client.json {
            report.json()
        } else {
            words::printable_lines(&report.text())
        };
        // Nobody is left to be told that stderr is closed.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
    ExitCode::from(failure.exit_code())
}

#[cfg(test)]
mod tests;
