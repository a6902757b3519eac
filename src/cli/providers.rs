//! `keylease providers`: what is held against a provider as a whole.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::health::{self, ClearHealthArgs};

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Providers {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Close the breaker of a provider, and forget that the way to it is suspected: leases are given at once
    #[command(after_help = "Examples:
  keylease providers clear-health api.openai.com
  keylease providers clear-health openai --reason 'their status page says it is over'")]
    ClearHealth(ClearHealthArgs),
}

/// Runs the verb.
pub(crate) async fn run(command: Providers) -> Result<(), Failure> {
    let Verb::ClearHealth(args) = command.verb;
    let name = health::of_provider(&args)?;
    health::clear(&command.client, name, args).await
}
