//! `keylease callers`: who may call, and what they may do.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{
    ChangeArgs, DisableArgs, NamedArgs, NamedChangeArgs, deleted, disable_request, named_change,
    refuse_absent, say_validated,
};
use super::paging::{ListArgs, every_page};
use super::{names, output, unbuilt};
use crate::proto;
use crate::proto::unbuilt::OF_CALLERS;

mod fields;
mod view;

use fields::{AdminRole, CallerField, CallerFlags};

const CREATE_EXAMPLES: &str = "\
Examples:
  keylease callers create search --lessee 'openai-*' --label team=search
  keylease callers create oncall --role operator";
const UPDATE_EXAMPLES: &str = "\
Examples:
  keylease callers update search --lessee gemini --remove-lessee 'openai-*'
  keylease callers update oncall --remove-role operator --role auditor";

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Callers {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a caller; `tokens create` then makes its token
    #[command(after_help = unbuilt::help(CREATE_EXAMPLES, OF_CALLERS))]
    Create(CreateArgs),
    /// Show a caller, with its grants
    Get(NamedArgs),
    /// List callers
    List(ListArgs),
    /// Change a caller; grants and labels given are added
    #[command(after_help = unbuilt::help(UPDATE_EXAMPLES, OF_CALLERS))]
    Update(UpdateArgs),
    /// Delete a caller; its tokens end at once
    Delete(NamedChangeArgs),
    /// Reject its tokens until it is enabled
    #[command(after_help = "Example: keylease callers disable search --why 'token leaked'")]
    Disable(DisableArgs),
    /// Undo a disable
    Enable(NamedChangeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Its name: 1 to 63 of a-z, 0-9 and '-'
    name: String,
    #[command(flatten)]
    flags: CallerFlags,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// Its name, short (search) or full (callers/search)
    name: String,
    #[command(flatten)]
    flags: CallerFlags,
    /// Take a lessee grant away; may be repeated
    #[arg(long = "remove-lessee", value_name = "POOL PATTERN")]
    removed_lessees: Vec<String>,
    /// Take a role away; may be repeated
    #[arg(long = "remove-role", value_name = "ROLE")]
    removed_roles: Vec<AdminRole>,
    /// Unset a field, before other flags act; may be repeated
    #[arg(long, value_name = "FIELD")]
    clear: Vec<CallerField>,
    /// Refuse if it has changed since this etag was read [default: that of a read just before]
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

impl UpdateArgs {
    fn removed(&self) -> Vec<proto::Grant> {
        let lessees = self.removed_lessees.iter().map(|text| fields::lessee(text));
        lessees
            .chain(self.removed_roles.iter().map(|role| role.grant()))
            .collect()
    }

    /// Refuses to take away what the caller does not have.
    fn refuse_absent(&self, caller: &proto::Caller) -> Result<(), Failure> {
        let (lessees, roles): (Vec<_>, Vec<_>) = caller
            .grants
            .iter()
            .partition(|grant| grant.role() == proto::Role::Lessee);
        for text in &self.removed_lessees {
            let pattern = fields::lessee(text).pool_pattern;
            let there = lessees.iter().map(|grant| grant.pool_pattern.clone());
            refuse_absent("--remove-lessee", &pattern, there)?;
        }
        for role in &self.removed_roles {
            let there = roles.iter().map(|grant| view::role(grant));
            refuse_absent("--remove-role", &view::role(&role.grant()), there)?;
        }
        Ok(())
    }
}

/// Runs the verb.
pub(crate) async fn run(command: Callers) -> Result<(), Failure> {
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
    let name = names::caller(&args.name)?;
    let mut caller = proto::Caller::default();
    args.flags.apply(&mut caller);
    let request = proto::CreateCallerRequest {
        caller_id: names::split(&name).1.to_owned(),
        caller: Some(caller),
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.create_caller(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().caller)
}

async fn get(client: &ClientArgs, name: &str) -> Result<(), Failure> {
    let name = names::caller(name)?;
    let request = proto::GetCallerRequest { name };
    let answer = client.admin().await?.get_caller(request).await?;
    show(client, answer.into_inner().caller)
}

async fn list(client: &ClientArgs, args: ListArgs) -> Result<(), Failure> {
    let mut admin = client.admin().await?;
    let request = proto::ListCallersRequest {
        filter: args.filter,
        ..Default::default()
    };
    let answer = every_page!(admin, list_callers, callers, &args.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.callers))
}

/// Reads, changes and writes under the etag that was read, so that nobody's change in between is lost.
async fn update(client: &ClientArgs, args: UpdateArgs) -> Result<(), Failure> {
    let name = names::caller(&args.name)?;
    let update_mask = args.flags.mask(&args.clear, !args.removed().is_empty())?;
    let mut admin = client.admin().await?;
    let read = admin.get_caller(proto::GetCallerRequest { name }).await?;
    let mut caller = read.into_inner().caller.ok_or_else(lacking)?;
    args.refuse_absent(&caller)?;
    for field in &args.clear {
        field.clear(&mut caller);
    }
    let removed = args.removed();
    caller.grants.retain(|grant| !removed.contains(grant));
    args.flags.apply(&mut caller);
    caller.etag = args.etag.unwrap_or(caller.etag);
    let request = proto::UpdateCallerRequest {
        caller: Some(caller),
        update_mask,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = admin.update_caller(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().caller)
}

async fn delete(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::caller(&args.name)?;
    let said = deleted(&name, args.change.validate_only);
    let request = named_change!(DeleteCallerRequest, name, args);
    let answer = client.admin().await?.delete_caller(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}

async fn disable(client: &ClientArgs, args: DisableArgs) -> Result<(), Failure> {
    let name = names::caller(&args.name)?;
    let request = disable_request!(DisableCallerRequest, name, args);
    let answer = client.admin().await?.disable_caller(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().caller)
}

async fn enable(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::caller(&args.name)?;
    let request = named_change!(EnableCallerRequest, name, args);
    let answer = client.admin().await?.enable_caller(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().caller)
}

fn show(client: &ClientArgs, caller: Option<proto::Caller>) -> Result<(), Failure> {
    output::show(client.json, &caller.ok_or_else(lacking)?, view::one)
}

fn lacking() -> Failure {
    Failure::answer_lacks("caller")
}
