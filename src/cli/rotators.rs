//! `keylease rotators`: who makes the new secrets of an account's keys.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, duration, say_validated};
use super::{names, output, words};
use crate::proto::{self, Rotator};

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Rotators {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set the rotator of an account, and print what requests to it are signed with
    #[command(after_help = "Examples:
  keylease rotators set openai --url https://rotator.example.com/openai
  keylease rotators set openai --url https://rotator.example.com/openai --new-secret --json | jq -r .signing_secret

The receiver checks the signature as Standard Webhooks has it; examples/rotator is one. Set without --new-secret again to see the secret.")]
    Set(SetArgs),
    /// Show the rotator of an account, without its secret
    Get(AccountArgs),
    /// Delete the rotator of an account: people rotate secrets in from then on
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct AccountArgs {
    /// The account, short (openai) or full (accounts/openai)
    account: String,
}

#[derive(Debug, Args)]
struct SetArgs {
    #[command(flatten)]
    which: AccountArgs,
    /// Where it is asked
    #[arg(long)]
    url: String,
    /// Allow plain http, which sends secrets in clear
    #[arg(long)]
    allow_http: bool,
    /// How long a previous version is kept at least, to go back to: 0s to 90days [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    grace: Option<prost_types::Duration>,
    /// Sign with another secret from now on
    #[arg(long = "new-secret", id = "renewed")]
    renew: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    #[command(flatten)]
    which: AccountArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Rotators) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::Set(args) => set(client, args).await,
        Verb::Get(args) => get(client, &args).await,
        Verb::Delete(args) => delete(client, args).await,
    }
}

async fn set(client: &ClientArgs, args: SetArgs) -> Result<(), Failure> {
    let rotator = Rotator {
        name: name(&args.which)?,
        url: args.url,
        allow_http: args.allow_http,
        grace: args.grace,
        ..Default::default()
    };
    let request = proto::SetRotatorRequest {
        rotator: Some(rotator),
        new_secret: args.renew,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.set_rotator(request).await?;
    say_validated(args.change.validate_only);
    output::show(client.json, &answer.into_inner(), |answer| {
        let shown = one(&answer.rotator.clone().unwrap_or_default());
        let secret = output::details(&[("signing secret", answer.signing_secret.clone())]);
        format!("{shown}\n{secret}")
    })
}

async fn get(client: &ClientArgs, args: &AccountArgs) -> Result<(), Failure> {
    let request = proto::GetRotatorRequest { name: name(args)? };
    let answer = client.admin().await?.get_rotator(request).await?;
    let rotator = answer.into_inner().rotator;
    let rotator = rotator.ok_or_else(|| Failure::answer_lacks("rotator"))?;
    output::show(client.json, &rotator, one)
}

async fn delete(client: &ClientArgs, args: DeleteArgs) -> Result<(), Failure> {
    let request = proto::DeleteRotatorRequest {
        name: name(&args.which)?,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let said = super::flags::deleted(&request.name, request.validate_only);
    let answer = client.admin().await?.delete_rotator(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}

fn name(args: &AccountArgs) -> Result<String, Failure> {
    Ok(format!("{}/rotator", names::account(&args.account)?))
}

fn one(rotator: &Rotator) -> String {
    output::details(&[
        ("name", rotator.name.clone()),
        ("url", words::printable(&rotator.url)),
        ("grace", words::proto_duration(rotator.grace.as_ref())),
        ("created", words::time(rotator.create_time.as_ref())),
        ("updated", words::time(rotator.update_time.as_ref())),
        ("etag", rotator.etag.clone()),
    ])
}
