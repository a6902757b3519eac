//! `keylease keys`: credentials of accounts; their secrets are versions, and rotation replaces them.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{
    ChangeArgs, DisableArgs, NamedArgs, NamedChangeArgs, deleted, disable_request, named_change,
    say_validated,
};
use super::health::{self, ClearHealthArgs};
use super::import::{self, ImportArgs};
use super::paging::{ListArgs, every_page};
use super::secret::SecretArgs;
use super::{names, output, rotations};
use crate::proto;

mod changing;
mod fields;
mod history;
mod probe;
mod rotating;
mod view;

use changing::{MoveArgs, UpdateArgs};
use fields::KeyFlags;
pub(crate) use history::HistoryArgs;
use probe::ProbeArgs;
use rotating::RotateArgs;
pub(crate) use view::version_number;

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a key, with its first version if a secret is given
    #[command(after_help = "Examples:
  keylease keys create openai/main --secret-file key.txt
  pass openai | keylease keys create openai/main --secret-stdin
  keylease keys create aws/main --fields-file credential.json

Secrets are never taken from the command line, where every process can read them.")]
    Create(CreateArgs),
    /// Show a key; never its secret
    Get(NamedArgs),
    /// List keys, of one account or of all
    List(ListKeysArgs),
    /// Change a key; labels and model mappings given are added or changed, model patterns replaced as a whole
    #[command(
        after_help = "Example: keylease keys update openai/main --model-allow 'gpt-4*' --rotation-interval 30days"
    )]
    Update(UpdateArgs),
    /// Move a key to another account of the same provider: leases of it count against the limits there from then on
    #[command(
        after_help = "Example: keylease keys move openai/main openai-eu --reason 'billed there'"
    )]
    Move(MoveArgs),
    /// Delete a key and erase its secrets; refused while a pool names it
    Delete(NamedChangeArgs),
    /// Give no lease of it until it is enabled
    #[command(after_help = "Example: keylease keys disable openai/main --why 'seen in a log'")]
    Disable(DisableArgs),
    /// Undo a disable
    Enable(NamedChangeArgs),
    /// Forget what is held against a key or one of its versions: active at once, with no past
    ClearHealth(ClearHealthArgs),
    /// List what became of the health of a key's versions, newest first: when, why, and by whose word
    Health(HistoryArgs),
    /// Ask the provider about a key now, and act on what it says
    #[command(
        after_help = "A key that it rejects is dead; a dead one that it knows gets its canary lease; a spent budget cools. Nothing else is done.
Not while the key is disabled or cools down. The answer never holds a secret."
    )]
    Probe(ProbeArgs),
    /// List the versions of a key, newest first: stage and health
    Versions(HistoryArgs),
    /// Replace the secret of a key: the new version is tested at its provider, then current
    #[command(after_help = "Examples:
  keylease keys rotate openai/main --secret-file new-key.txt
  keylease keys rotate openai/main --secret-file new-key.txt --wait 2m
  pass openai | keylease keys rotate openai/main --secret-stdin --revoke-previous-now --reason 'leaked'

`keylease rotations` shows where it stands, and gives it up or goes on with it.")]
    Rotate(RotateArgs),
    /// List the rotations of a key, newest first
    Rotations(HistoryArgs),
    /// Undo the last rotation while the previous version is kept: that one is current again
    Rollback(NamedChangeArgs),
    /// Store the keys of an .env file, with their accounts, limits and pools: all or nothing
    #[command(after_help = import::HELP)]
    Import(ImportArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Its name, short (openai/main) or full (accounts/openai/keys/main)
    name: String,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    flags: KeyFlags,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct ListKeysArgs {
    /// The account, short (openai) or full [default: all accounts]
    account: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Keys) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::Create(args) => create(client, args).await,
        Verb::Get(args) => get(client, &args.name).await,
        Verb::List(args) => list(client, args).await,
        Verb::Update(args) => changing::update(client, args).await,
        Verb::Move(args) => changing::move_to(client, args).await,
        Verb::Delete(args) => delete(client, args).await,
        Verb::Disable(args) => disable(client, args).await,
        Verb::Enable(args) => enable(client, args).await,
        Verb::ClearHealth(args) => health::clear(client, health::of_key(&args)?, args).await,
        Verb::Health(args) => history::health(client, args).await,
        Verb::Probe(args) => probe::probe(client, args).await,
        Verb::Versions(args) => history::versions(client, args).await,
        Verb::Rotate(args) => rotating::rotate(client, args).await,
        Verb::Rotations(args) => rotations::list(client, args).await,
        Verb::Rollback(args) => rotations::roll_back(client, args).await,
        Verb::Import(args) => import::run(client, args).await,
    }
}

async fn create(client: &ClientArgs, args: CreateArgs) -> Result<(), Failure> {
    let name = names::key(&args.name)?;
    let secret = args.secret.read()?;
    let mut key = proto::Key::default();
    args.flags.apply(&mut key);
    let (parent, id) = names::split(&name);
    let request = proto::CreateKeyRequest {
        parent: parent.to_owned(),
        key_id: id.to_owned(),
        secret,
        key: Some(key),
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.create_key(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().key)
}

async fn get(client: &ClientArgs, name: &str) -> Result<(), Failure> {
    let name = names::key(name)?;
    let request = proto::GetKeyRequest { name };
    let answer = client.admin().await?.get_key(request).await?;
    show(client, answer.into_inner().key)
}

async fn list(client: &ClientArgs, args: ListKeysArgs) -> Result<(), Failure> {
    let mut admin = client.admin().await?;
    let parent = match args.account {
        Some(account) => names::account(&account)?,
        None => "accounts/-".to_owned(),
    };
    let request = proto::ListKeysRequest {
        parent,
        filter: args.list.filter,
        ..Default::default()
    };
    let answer = every_page!(admin, list_keys, keys, &args.list.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.keys))
}

async fn delete(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::key(&args.name)?;
    let said = deleted(&name, args.change.validate_only);
    let request = named_change!(DeleteKeyRequest, name, args);
    let answer = client.admin().await?.delete_key(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}

async fn disable(client: &ClientArgs, args: DisableArgs) -> Result<(), Failure> {
    let name = names::key(&args.name)?;
    let request = disable_request!(DisableKeyRequest, name, args);
    let answer = client.admin().await?.disable_key(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().key)
}

async fn enable(client: &ClientArgs, args: NamedChangeArgs) -> Result<(), Failure> {
    let name = names::key(&args.name)?;
    let request = named_change!(EnableKeyRequest, name, args);
    let answer = client.admin().await?.enable_key(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().key)
}

fn show(client: &ClientArgs, key: Option<proto::Key>) -> Result<(), Failure> {
    output::show(client.json, &key.ok_or_else(lacking)?, view::one)
}

fn lacking() -> Failure {
    Failure::answer_lacks("key")
}
