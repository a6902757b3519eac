//! Verbs that change a key as it stands: its fields, and the account that it is of.

use clap::Args;

use super::fields::{KeyField, KeyFlags};
use super::{lacking, show};
use crate::cli::connect::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::flags::{ChangeArgs, say_validated};
use crate::cli::{names, output};
use crate::proto;

/// Changes of a key.
#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Its name, short (openai/main) or full (accounts/openai/keys/main)
    name: String,
    #[command(flatten)]
    flags: KeyFlags,
    /// Unset a field, before other flags act; may be repeated
    #[arg(long, value_name = "FIELD")]
    clear: Vec<KeyField>,
    /// Refuse if it has changed since this etag was read [default: that of a read just before]
    #[arg(long)]
    etag: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Where a key is to go.
#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    /// Its name, short (openai/main) or full (accounts/openai/keys/main)
    name: String,
    /// The account to move it to, short (openai-eu) or full (accounts/openai-eu)
    account: String,
    /// Refuse if it has changed since this etag was read
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Reads, changes and writes under the etag that was read, so that nobody's change in between is lost.
pub(super) async fn update(client: &ClientArgs, args: UpdateArgs) -> Result<(), Failure> {
    let name = names::key(&args.name)?;
    let update_mask = args.flags.mask(&args.clear)?;
    let mut admin = client.admin().await?;
    let read = admin.get_key(proto::GetKeyRequest { name }).await?;
    let mut key = read.into_inner().key.ok_or_else(lacking)?;
    for field in &args.clear {
        field.clear(&mut key);
    }
    args.flags.apply(&mut key);
    key.etag = args.etag.unwrap_or(key.etag);
    let request = proto::UpdateKeyRequest {
        key: Some(key),
        update_mask,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = admin.update_key(request).await?;
    say_validated(args.change.validate_only);
    show(client, answer.into_inner().key)
}

pub(super) async fn move_to(client: &ClientArgs, args: MoveArgs) -> Result<(), Failure> {
    let request = proto::MoveKeyRequest {
        name: names::key(&args.name)?,
        destination_account: names::account(&args.account)?,
        etag: args.etag,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let (from, to) = (request.name.clone(), request.destination_account.clone());
    let answer = client.admin().await?.move_key(request).await?;
    say_validated(args.change.validate_only);
    output::remark(&members(names::split(&from).0, &to));
    show(client, answer.into_inner().key)
}

/// What a move means for pools, which nobody may have thought of.
fn members(from: &str, to: &str) -> String {
    format!(
        "pools that have {to} or the key itself as a member serve it now, and those that have {from} alone do so no more"
    )
}
