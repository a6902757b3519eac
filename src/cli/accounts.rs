//! `keylease accounts`: the provider-side organisations that own keys and limits.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{
    ChangeArgs, DisableArgs, NamedArgs, NamedChangeArgs, deleted, disable_request, named_change,
    say_validated,
};
use super::health::{self, ClearHealthArgs};
use super::paging::{ListArgs, every_page};
use super::{names, output};
use crate::proto;

mod fields;
mod view;

use fields::{AccountField, AccountFlags};

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Accounts {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create an account
    #[command(after_help = "Examples:
  keylease accounts create openai --profile openai
  keylease accounts create azure --profile generic --base-url https://x.openai.azure.com --credential-header api-key")]
    Create(CreateArgs),
    /// Show an account, with its cooldowns and limits
    Get(NamedArgs),
    /// List accounts
    List(ListArgs),
    /// Change an account; labels given are added or changed, allowed hosts replaced as a whole
    #[command(
        after_help = "Example: keylease accounts update openai --rotation-interval 30days --clear labels"
    )]
    Update(UpdateArgs),
    /// Delete an account; refused while it has keys or a pool names it
    Delete(NamedChangeArgs),
    /// Give no lease of any of its keys until it is enabled
    #[command(
        after_help = "Example: keylease accounts disable openai --why 'invoice unpaid' --for 2h"
    )]
    Disable(DisableArgs),
    /// Undo a disable
    Enable(NamedChangeArgs),
    /// Forget the cooldowns of an account, or of one of its models
    ClearHealth(ClearHealthArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Its name: 1 to 63 of a-z, 0-9 and '-'
    name: String,
    /// How the provider is spoken to: openai, anthropic, gemini, stripe or generic; never changes
    #[arg(long)]
    profile: String,
    #[command(flatten)]
    flags: AccountFlags,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// Its name, short (openai) or full (accounts/openai)
    name: String,
    #[command(flatten)]
    flags: AccountFlags,
    /// Unset a field, before other flags act; may be repeated
    #[arg(long, value_name = "FIELD")]
    clear: Vec<AccountField>,
    /// Refuse if it has changed since this etag was read [default: that of a read just before]
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Accounts) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::Create(args) => create(client, args).await,
        Verb::Get(args) => get(client, &args.name).await,
        Verb::List(args) => list(client, args).await,
        Verb::Update(args) => update(client, args).await,
        Verb::Delete(args) => delete(client, args).await,
        Verb::Disable(args) => disable(client, args).await,
        Verb::Enable(args) => enable(client, args).await,
        Verb::ClearHealth(args) => health::clear(client, health::of_account(&args)?, args).await,
    }
}

async fn create(client: &ClientArgs, args: CreateArgs) -> Result<(), Failure> {
    let name = names::account(&args.name)?;
    let mut account = proto::Account {
        provider_profile: args.profile,
        ..proto::Account::default()
    };
    args.flags.apply(&mut account);
    let request = proto::CreateAccountRequest {
        account_id: names::split(&name).1.to_owned(),
        account: Some(account),
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.create_account(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().account)
}

async fn get(client: &ClientArgs, name: &str) -> Result<(), Failure> {
    let name = names::account(name)?;
    let request = proto::GetAccountRequest { name };
    let answer = client.admin().await?.get_account(request).await?;
    show(client, answer.into_inner().account)
}

async fn list(client: &ClientArgs, args: ListArgs) -> Result<(), Failure> {
    let mut admin = client.admin().await?;
    let request = proto::ListAccountsRequest {
        filter: args.filter,
        ..Default::default()
    };
    let answer = every_page!(admin, list_accounts, accounts, &args.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.accounts))
}

/// Reads, changes and writes under the etag that was read, so that nobody's change in between is lost.
async fn update(client: &ClientArgs, args: UpdateArgs) -> Result<(), Failure> {
    let name = names::account(&args.name)?;
    let update_mask = args.flags.mask(&args.clear)?;
    let mut admin = client.admin().await?;
    let read = admin.get_account(proto::GetAccountRequest { name }).await?;
    let mut account = read.into_inner().account.ok_or_else(lacking)?;
    for field in &args.clear {
        field.clear(&mut account);
    }
    args.flags.apply(&mut account);
    account.etag = args.etag.unwrap_or(account.etag);
    let request = proto::UpdateAccountRequest {
        account: Some(account),
        update_mask,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = admin.update_account(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().account)
}

async fn delete(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::account(&args.name)?;
    let said = deleted(&name, args.change.validate_only);
    let request = named_change!(DeleteAccountRequest, name, args);
    let answer = client.admin().await?.delete_account(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}

async fn disable(client: &ClientArgs, args: DisableArgs) -> Result<(), Failure> {
    let name = names::account(&args.name)?;
    let request = disable_request!(DisableAccountRequest, name, args);
    let answer = client.admin().await?.disable_account(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().account)
}

async fn enable(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::account(&args.name)?;
    let request = named_change!(EnableAccountRequest, name, args);
    let answer = client.admin().await?.enable_account(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().account)
}

fn show(client: &ClientArgs, account: Option<proto::Account>) -> Result<(), Failure> {
    output::show(client.json, &account.ok_or_else(lacking)?, view::one)
}

fn lacking() -> Failure {
    Failure::answer_lacks("account")
}
