//! `keylease limits`: at most so many units in a window, over all replicas.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, NamedArgs, NamedChangeArgs, deleted, named_change, say_validated};
use super::paging::{PageArgs, every_page};
use super::{names, output, unbuilt};
use crate::proto;
use crate::proto::unbuilt::OF_LIMITS;

mod fields;
mod learned;
mod offline;
mod view;

use fields::{Dimension, LimitField, LimitFlags};
use learned::{AdoptArgs, LEARNED_HELP, LearnedArgs};
pub(crate) use view::{summary, what};

const CREATE_EXAMPLES: &str = "\
Examples:
  keylease limits create openai/rpm --dimension requests --amount 600 --window 1m
  keylease limits create accounts/openai/limits/tpm --dimension tokens --amount 90000 --window 1m --model 'gpt-4*'
  keylease limits create openai/daily --dimension requests --amount 10000 --calendar day --time-zone America/Los_Angeles
  keylease limits create openai/streams --dimension concurrency --amount 20 --lease-duration-max 2m
  keylease limits create openai/rpm --dimension requests --amount 600 --window 1m --offline-percent 10
  keylease limits create openai/spend --dimension cost-micros --amount 50000000 --calendar month --time-zone UTC --mode shadow";
const UPDATE_EXAMPLE: &str = "Example: keylease limits update openai/rpm --amount 1200";

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Limits {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a limit of an account
    #[command(after_help = unbuilt::help(CREATE_EXAMPLES, OF_LIMITS))]
    Create(CreateArgs),
    /// Show a limit
    Get(NamedArgs),
    /// List the limits of an account
    List(ListLimitsArgs),
    /// Change a limit; raising acts at once, lowering within its charge time; model patterns are replaced as a whole
    #[command(after_help = unbuilt::help(UPDATE_EXAMPLE, OF_LIMITS))]
    Update(UpdateArgs),
    /// Show what an account's provider states of its limits
    #[command(after_help = LEARNED_HELP)]
    Learned(LearnedArgs),
    /// Change a limit to what the provider states of it, up or down
    #[command(after_help = "Example: keylease limits adopt openai/rpm")]
    Adopt(AdoptArgs),
    /// Delete a limit; its charges are kept, and revived if its name returns
    Delete(NamedChangeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Its name: openai/rpm or accounts/openai/limits/rpm
    name: String,
    /// What is counted
    #[arg(long)]
    dimension: Dimension,
    #[command(flatten)]
    flags: LimitFlags,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct ListLimitsArgs {
    /// The account, short (openai) or full (accounts/openai)
    owner: String,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// Its name: openai/rpm or accounts/openai/limits/rpm
    name: String,
    #[command(flatten)]
    flags: LimitFlags,
    /// Unset a field, before other flags act; may be repeated
    #[arg(long, value_name = "FIELD")]
    clear: Vec<LimitField>,
    /// Refuse if it has changed since this etag was read [default: that of a read just before]
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Limits) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::Create(args) => create(client, args).await,
        Verb::Get(args) => get(client, &args.name).await,
        Verb::List(args) => list(client, args).await,
        Verb::Update(args) => update(client, args).await,
        Verb::Learned(args) => learned::show(client, args).await,
        Verb::Adopt(args) => show(client, learned::adopt(client, args).await?),
        Verb::Delete(args) => delete(client, args).await,
    }
}

async fn create(client: &ClientArgs, args: CreateArgs) -> Result<(), Failure> {
    let name = names::limit(&args.name)?;
    let mut limit = proto::Limit::default();
    limit.set_dimension(args.dimension.into());
    args.flags.apply(&mut limit);
    let (parent, id) = names::split(&name);
    let request = proto::CreateLimitRequest {
        parent: parent.to_owned(),
        limit_id: id.to_owned(),
        limit: Some(limit),
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.create_limit(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().limit)
}

async fn get(client: &ClientArgs, name: &str) -> Result<(), Failure> {
    let name = names::limit(name)?;
    let request = proto::GetLimitRequest { name };
    let answer = client.admin().await?.get_limit(request).await?;
    show(client, answer.into_inner().limit)
}

async fn list(client: &ClientArgs, args: ListLimitsArgs) -> Result<(), Failure> {
    let mut admin = client.admin().await?;
    let parent = names::limit_owner(&args.owner)?;
    let request = proto::ListLimitsRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    let answer = every_page!(admin, list_limits, limits, &args.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.limits))?;
    for remark in learned::remarks(client, &parent).await? {
        output::remark(&remark);
    }
    Ok(())
}

/// Reads, changes and writes under the etag that was read, so that nobody's change in between is lost.
async fn update(client: &ClientArgs, args: UpdateArgs) -> Result<(), Failure> {
    let name = names::limit(&args.name)?;
    let update_mask = args.flags.mask(&args.clear)?;
    let mut admin = client.admin().await?;
    let read = admin.get_limit(proto::GetLimitRequest { name }).await?;
    let mut limit = read.into_inner().limit.ok_or_else(lacking)?;
    for field in &args.clear {
        field.clear(&mut limit);
    }
    args.flags.apply(&mut limit);
    limit.etag = args.etag.unwrap_or(limit.etag);
    let request = proto::UpdateLimitRequest {
        limit: Some(limit),
        update_mask,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = admin.update_limit(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().limit)
}

async fn delete(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::limit(&args.name)?;
    let said = deleted(&name, args.change.validate_only);
    let request = named_change!(DeleteLimitRequest, name, args);
    let answer = client.admin().await?.delete_limit(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}

fn show(client: &ClientArgs, limit: Option<proto::Limit>) -> Result<(), Failure> {
    output::show(client.json, &limit.ok_or_else(lacking)?, view::one)
}

fn lacking() -> Failure {
    Failure::answer_lacks("limit")
}
