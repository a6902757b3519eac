//! The versions of a key and their past, and the verb that makes a new one.

use clap::Args;

use super::view;
use crate::cli::connect::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::flags::{ChangeArgs, duration, say_validated};
use crate::cli::paging::{PageArgs, every_page};
use crate::cli::secret::SecretArgs;
use crate::cli::{names, output, rotations};
use crate::proto;

/// Which key's past to list.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The key, short (openai/main) or full (accounts/openai/keys/main)
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// The new secret of a key.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The key, short (openai/main) or full (accounts/openai/keys/main)
    key: String,
    #[command(flatten)]
    secret: SecretArgs,
    /// Have the rotator of the account make the secret
    #[arg(long, conflicts_with_all = ["secret_stdin", "secret_file", "fields_file", "revoke_previous_now"])]
    by_rotator: bool,
    /// Revoke every previous version now, without a test and without waiting for leases: for a leaked key
    #[arg(long)]
    revoke_previous_now: bool,
    /// Make the new version current without asking its provider about it
    #[arg(long)]
    skip_test: bool,
    /// How long the previous version is kept at least, to go back to: 0s to 90days [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    grace: Option<prost_types::Duration>,
    /// Refuse if the key has changed since this etag was read
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn versions(client: &ClientArgs, args: HistoryArgs) -> Result<(), Failure> {
    let request = proto::ListKeyVersionsRequest {
        parent: names::key(&args.key)?,
        ..Default::default()
    };
    let mut admin = client.admin().await?;
    let answer = every_page!(admin, list_key_versions, key_versions, &args.page, request);
    output::show(client.json, &answer, |answer| {
        view::versions(&answer.key_versions)
    })
}

pub(super) async fn health(client: &ClientArgs, args: HistoryArgs) -> Result<(), Failure> {
    let request = proto::ListHealthChangesRequest {
        parent: names::key(&args.key)?,
        ..Default::default()
    };
    let mut admin = client.admin().await?;
    let answer = every_page!(
        admin,
        list_health_changes,
        health_changes,
        &args.page,
        request
    );
    output::show(client.json, &answer, |answer| {
        view::health_changes(&answer.health_changes)
    })
}

pub(super) async fn rotate(client: &ClientArgs, args: RotateArgs) -> Result<(), Failure> {
    let request = proto::RotateKeyRequest {
        name: names::key(&args.key)?,
        secret: match args.by_rotator {
            true => None,
            false => Some(args.secret.require()?),
        },
        revoke_previous_now: args.revoke_previous_now,
        skip_test: args.skip_test,
        grace: args.grace,
        etag: args.etag,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.rotate_key(request).await?;
    say_validated(args.change.validate_only);
    let rotation = answer.into_inner().rotation;
    let rotation = rotation.ok_or_else(|| Failure::answer_lacks("rotation"))?;
    output::show(client.json, &rotation, rotations::one)
}
