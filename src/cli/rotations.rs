//! `keylease rotations`: how far each replacement of a secret is, and a person's word on it.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, NamedChangeArgs, named_change, say_validated};
use super::keys::HistoryArgs;
use super::paging::every_page;
use super::{names, output};
use crate::proto;

mod view;

pub(crate) use view::one;

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Rotations {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rotations of a key, newest first
    List(HistoryArgs),
    /// Show a rotation: its step, for how long it has been there, and what it waits for
    Get(RotationArgs),
    /// Give up a rotation whose version is not current yet: that version is revoked unused
    #[command(
        after_help = "Example: keylease rotations cancel openai/main/3 --reason 'pasted the wrong key'"
    )]
    Cancel(WordArgs),
    /// Try the step of a rotation again now, also where it waits for a person
    #[command(after_help = "Examples:
  keylease rotations retry openai/main/3
  keylease rotations retry openai/main/3 --skip-test --reason 'the provider shows no models to it'
  keylease rotations retry openai/main/3 --revoke-previous-now --reason 'version 2 leaked'")]
    Retry(RetryArgs),
}

#[derive(Debug, Args)]
struct RotationArgs {
    /// The rotation, short (openai/main/3) or full (accounts/openai/keys/main/rotations/3)
    rotation: String,
}

#[derive(Debug, Args)]
struct WordArgs {
    #[command(flatten)]
    which: RotationArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct RetryArgs {
    #[command(flatten)]
    which: RotationArgs,
    /// Make its version current without asking the provider about it
    #[arg(long)]
    skip_test: bool,
    /// Revoke the version that it leaves to drain, without waiting for its leases and its grace
    #[arg(long, conflicts_with = "skip_test")]
    revoke_previous_now: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Rotations) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::List(args) => list(client, args).await,
        Verb::Get(args) => get(client, args).await,
        Verb::Cancel(args) => cancel(client, args).await,
        Verb::Retry(args) => retry(client, args).await,
    }
}

pub(super) async fn list(client: &ClientArgs, args: HistoryArgs) -> Result<(), Failure> {
    let request = proto::ListRotationsRequest {
        parent: names::key(&args.key)?,
        ..Default::default()
    };
    let mut admin = client.admin().await?;
    let answer = every_page!(admin, list_rotations, rotations, &args.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.rotations))
}

async fn get(client: &ClientArgs, args: RotationArgs) -> Result<(), Failure> {
    let name = names::rotation(&args.rotation)?;
    let request = proto::GetRotationRequest { name };
    let answer = client.admin().await?.get_rotation(request).await?;
    show(client, answer.into_inner().rotation)
}

async fn cancel(client: &ClientArgs, args: WordArgs) -> Result<(), Failure> {
    let request = proto::CancelRotationRequest {
        name: names::rotation(&args.which.rotation)?,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.cancel_rotation(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().rotation)
}

async fn retry(client: &ClientArgs, args: RetryArgs) -> Result<(), Failure> {
    let request = proto::RetryRotationRequest {
        name: names::rotation(&args.which.rotation)?,
        skip_test: args.skip_test,
        revoke_previous_now: args.revoke_previous_now,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.retry_rotation(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().rotation)
}

/// `keylease keys rollback`.
pub(super) async fn roll_back(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::key(&args.name)?;
    let request = named_change!(RollbackKeyRequest, name, args);
    let answer = client.admin().await?.rollback_key(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().rotation)
}

fn show(client: &ClientArgs, rotation: Option<proto::Rotation>) -> Result<(), Failure> {
    let rotation = rotation.ok_or_else(|| Failure::answer_lacks("rotation"))?;
    output::show(client.json, &rotation, one)
}
