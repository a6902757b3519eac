//! `keylease pools`: what callers lease from.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{
    ChangeArgs, DisableArgs, NamedArgs, NamedChangeArgs, deleted, disable_request, named_change,
    refuse_absent, say_unsupported, say_validated,
};
use super::paging::{ListArgs, every_page};
use super::{names, output};
use crate::proto;

mod choices;
mod fields;
mod members;
mod rules;
mod view;

use fields::{PoolField, PoolFlags};

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Pools {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a pool
    #[command(after_help = "Examples:
  keylease pools create openai-prod --member openai --strategy least-used
  keylease pools create openai-prod --member openai:tier=1,weight=3 --member openai-eu:tier=2 --dead-ttl 12h")]
    Create(CreateArgs),
    /// Show a pool, with the settings in force
    Get(NamedArgs),
    /// List pools
    List(ListArgs),
    /// Change a pool; members and labels given are added or changed
    #[command(after_help = "Examples:
  keylease pools update openai-prod --member openai-eu:tier=2 --remove-member openai/old
  keylease pools update openai-prod --failure-threshold 3 --unhealthy-ttl 10m
  keylease pools update openai-prod --failure-rules rules.toml")]
    Update(UpdateArgs),
    /// Delete a pool; leases that are out stay valid
    Delete(NamedChangeArgs),
    /// Give no lease from it until it is enabled
    #[command(
        after_help = "Example: keylease pools disable openai-prod --why 'migration' --for 2h"
    )]
    Disable(DisableArgs),
    /// Undo a disable
    Enable(NamedChangeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Its name: 1 to 63 of a-z, 0-9 and '-'
    name: String,
    #[command(flatten)]
    flags: PoolFlags,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// Its name, short (openai-prod) or full (pools/openai-prod)
    name: String,
    #[command(flatten)]
    flags: PoolFlags,
    /// Remove a member, by the name of its account or key; may be repeated
    #[arg(long = "remove-member", value_name = "NAME", value_parser = members::target_name)]
    removed: Vec<String>,
    /// Unset a field, before other flags act; may be repeated
    #[arg(long, value_name = "FIELD")]
    clear: Vec<PoolField>,
    /// Refuse if it has changed since this etag was read [default: that of a read just before]
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Pools) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::Create(args) => create(client, args).await,
        Verb::Get(args) => get(client, &args.name).await,
        Verb::List(args) => list(client, args).await,
        Verb::Update(args) => update(client, args).await,
        Verb::Delete(args) => delete(client, args).await,
        Verb::Disable(args) => disable(client, args).await,
        Verb::Enable(args) => enable(client, args).await,
    }
}

async fn create(client: &ClientArgs, args: CreateArgs) -> Result<(), Failure> {
    let name = names::pool(&args.name)?;
    let mut pool = proto::Pool::default();
    args.flags.apply(&mut pool);
    let request = proto::CreatePoolRequest {
        pool_id: names::split(&name).1.to_owned(),
        pool: Some(pool),
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.create_pool(request).await?;
    let answer = answer.into_inner();
    say_validated(args.change.validate_only);
    say_unsupported(&answer.unsupported);
    show(client, answer.pool)
}

async fn get(client: &ClientArgs, name: &str) -> Result<(), Failure> {
    let name = names::pool(name)?;
    let request = proto::GetPoolRequest { name };
    let answer = client.admin().await?.get_pool(request).await?;
    show(client, answer.into_inner().pool)
}

async fn list(client: &ClientArgs, args: ListArgs) -> Result<(), Failure> {
    let mut admin = client.admin().await?;
    let request = proto::ListPoolsRequest {
        filter: args.filter,
        ..Default::default()
    };
    let answer = every_page!(admin, list_pools, pools, &args.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.pools))
}

/// Reads, changes and writes under the etag that was read, so that nobody's change in between is lost.
async fn update(client: &ClientArgs, args: UpdateArgs) -> Result<(), Failure> {
    let name = names::pool(&args.name)?;
    let update_mask = args.flags.mask(&args.clear, !args.removed.is_empty())?;
    let mut admin = client.admin().await?;
    let read = admin.get_pool(proto::GetPoolRequest { name }).await?;
    let mut pool = read.into_inner().pool.ok_or_else(lacking)?;
    let there = pool.members.iter().map(|member| member.target.clone());
    for member in &args.removed {
        refuse_absent("--remove-member", member, there.clone())?;
    }
    for field in &args.clear {
        field.clear(&mut pool);
    }
    pool.members.retain(|m| !args.removed.contains(&m.target));
    args.flags.apply(&mut pool);
    pool.etag = args.etag.unwrap_or(pool.etag);
    let request = proto::UpdatePoolRequest {
        pool: Some(pool),
        update_mask,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = admin.update_pool(request).await?.into_inner();
    say_validated(args.change.validate_only);
    say_unsupported(&answer.unsupported);
    show(client, answer.pool)
}

async fn delete(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::pool(&args.name)?;
    let said = deleted(&name, args.change.validate_only);
    let request = named_change!(DeletePoolRequest, name, args);
    let answer = client.admin().await?.delete_pool(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}

async fn disable(client: &ClientArgs, args: DisableArgs) -> Result<(), Failure> {
    let name = names::pool(&args.name)?;
    let request = disable_request!(DisablePoolRequest, name, args);
    let answer = client.admin().await?.disable_pool(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().pool)
}

async fn enable(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::pool(&args.name)?;
    let request = named_change!(EnablePoolRequest, name, args);
    let answer = client.admin().await?.enable_pool(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().pool)
}

fn show(client: &ClientArgs, pool: Option<proto::Pool>) -> Result<(), Failure> {
    output::show(client.json, &pool.ok_or_else(lacking)?, view::one)
}

fn lacking() -> Failure {
    Failure::answer_lacks("pool")
}
