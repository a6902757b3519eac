//! The binary's commands.

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{
    audit::{self, command::AuditCommand},
    bootstrap, causes, classify,
    config::{
        BootstrapArguments, BootstrapConfig, DevArguments, DevConfig, DoctorArguments,
        DoctorConfig, LogArguments, LogConfig, MigrateArguments, MigrateConfig, SecretVariables,
        ServeArguments, ServeConfig, Strangers,
    },
    dev, doctor, master_key, migrate, serve, telemetry,
};

/// The exit code of a command line that does not parse, as the parser has it.
const USAGE: u8 = 2;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "keylease",
    version,
    about = "A gRPC key vault that leases third-party API keys within their limits, across every replica",
    after_help = "Every flag can be set by its variable instead; a flag wins. `keylease COMMAND --help` says more.\n\
                  To try it without any set-up: keylease dev"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve: lease keys over gRPC, as one replica of any number on one database
    ///
    /// Needs a migrated database and a master key. All mistakes in the configuration are named before anything is bound. SIGTERM drains:
    /// health says NOT_SERVING, then open calls end, then what was reserved is given back.
    Serve(ServeArguments),
    /// Bring a database to the schema of this build
    ///
    /// Harmless to repeat and to run twice at once. The release before this one can go on serving on the new schema.
    Migrate(MigrateArguments),
    /// Make the first caller, `admin`, and print its token once
    ///
    /// Needs a migrated database and the master key. Refuses where there is an admin, unless told to recover.
    Bootstrap(BootstrapArguments),
    /// Try it: a private Postgres, a master key and tokens in ./.keylease, all made on first use, and a server on loopback
    Dev(DevArguments),
    /// Look for what is wrong with the data: rows that no master key opens, rows that were forged, versions that a restored dump brought back
    #[command(after_help = doctor::HELP)]
    Doctor(DoctorArguments),
    /// Make master keys, which seal every secret in the database, see which are in use, and rotate them
    #[command(subcommand)]
    MasterKey(MasterKeyCommand),
    /// What was changed, and by whom: list it, verify that none of it was tampered with, export it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Explain what a provider's response would be taken for: rule, class, blame, cooldown, advice; needs no server
    #[command(after_help = classify::HELP)]
    Classify(classify::ClassifyArgs),
    /// The client's verbs.
    #[command(flatten)]
    Client(crate::cli::Command),
}

/// `keylease master-key`
#[derive(Debug, Subcommand)]
pub enum MasterKeyCommand {
    /// Make a master key from the system's randomness
    ///
    /// Keep a copy where the database's backups are not: without it no stored key can be read, and with both everybody can.
    Generate(master_key::GenerateArguments),
    /// The client's.
    #[command(flatten)]
    Client(crate::cli::MasterKeyCommand),
}

/// Parses the command line and runs it to its end. Who asked for JSON is told of a line that does not parse in JSON, too.
pub fn parse_and_run() -> ExitCode {
    // Help is for where it is read, or for the customary width where nobody says.
    let width = crate::cli::terminal_width();
    let command = Arguments::command().term_width(width);
    let mut command = crate::cli::with_negative_numbers(command);
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    let error = match parsed {
        Ok(arguments) => return run(arguments.command),
        Err(error) => {
            crate::cli::without_arguments(error.format(&mut command), std::env::args_os())
        }
    };
    let Some(json) = crate::cli::usage_as_json(&error, std::env::args_os()) else {
        error.exit()
    };
    // There is nobody left to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{json}\n").as_bytes());
    ExitCode::from(USAGE)
}

/// Runs a command to its end. What failed is told on standard error.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Client(command) => client(crate::cli::run(command)),
        Command::Classify(arguments) => classify::run(&arguments).unwrap_or_else(|e| failed(&e)),
        Command::MasterKey(MasterKeyCommand::Client(command)) => {
            client(crate::cli::run_master_key(command))
        }
        Command::Audit(AuditCommand::Client(command)) => client(crate::cli::run_audit(command)),
        Command::Audit(command) => {
            audit::command::run(command).unwrap_or_else(|failure| failed(&failure))
        }
        Command::Doctor(arguments) => examine(&arguments).unwrap_or_else(|e| failed(&e)),
        Command::Serve(_)
        | Command::Migrate(_)
        | Command::Bootstrap(_)
        | Command::Dev(_)
        | Command::MasterKey(MasterKeyCommand::Generate(_)) => server(command),
    }
}

/// The client prints its own errors, and says by its exit code what kind they are.
fn client(command: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_or(ExitCode::FAILURE, |runtime| runtime.block_on(command))
}

fn server(command: Command) -> ExitCode {
    match dispatch(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &anyhow::Error) -> ExitCode {
    let line = format!("keylease: {}\n", causes::sentence(failure));
    // There is nobody left to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    ExitCode::FAILURE
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(arguments) => {
            let strangers = Strangers::of_environment(&variables(&Arguments::command()));
            let secrets = SecretVariables::of_environment();
            let config = ServeConfig::parse(&arguments, secrets, &strangers)?;
            start(&arguments.log, serve::run(config))
        }
        Command::Migrate(arguments) => {
            let config = MigrateConfig::parse(&arguments)?;
            start(&arguments.log, migrate::run(config))
        }
        Command::Bootstrap(arguments) => {
            let config = BootstrapConfig::parse(&arguments, SecretVariables::of_environment())?;
            start(&arguments.log, bootstrap::run(config))
        }
        Command::Dev(arguments) => {
            let config = DevConfig::parse(&arguments)?;
            start(&arguments.log, dev::run(config))
        }
        Command::MasterKey(MasterKeyCommand::Generate(arguments)) => {
            master_key::generate(&arguments)
        }
        Command::Client(_)
        | Command::Audit(_)
        | Command::Classify(_)
        | Command::Doctor(_)
        | Command::MasterKey(MasterKeyCommand::Client(_)) => Ok(()),
    }
}

/// The variables of all flags, of every command.
fn variables(command: &clap::Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(clap::Arg::get_env);
    let own = own.map(|name| name.to_string_lossy().into_owned());
    let below = command.get_subcommands().flat_map(variables);
    own.chain(below).collect()
}

/// Says by its exit code whether something is wrong.
fn examine(arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    let config = DoctorConfig::parse(arguments, SecretVariables::of_environment())?;
    start(&arguments.log, doctor::run(config))
}

/// Starts the logs and then the command.
pub(super) fn start<T>(
    log: &LogArguments,
    command: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    telemetry::start(LogConfig::parse(log)?)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("can't start threads")?
        .block_on(command)
}
