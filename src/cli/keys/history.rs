//! The versions of a key and their past.

use clap::Args;

use super::view;
use crate::cli::connect::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::paging::{PageArgs, every_page};
use crate::cli::{names, output};
use crate::proto;

/// Which key's past to list.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The key, short (openai/main) or full (accounts/openai/keys/main)
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) page: PageArgs,
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
