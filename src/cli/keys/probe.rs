//! `keylease keys probe`.

use clap::Args;

use super::view;
use crate::cli::connect::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::{names, output};
use crate::proto;

/// Which key to ask about.
#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The key, short (openai/main) or full (accounts/openai/keys/main)
    name: String,
    /// Why, for the audit; at most 512 bytes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
}

pub(super) async fn probe(client: &ClientArgs, args: ProbeArgs) -> Result<(), Failure> {
    let request = proto::ProbeKeyRequest {
        name: names::key(&args.name)?,
        reason: args.reason,
    };
    let answer = client.admin().await?.probe_key(request).await?;
    output::show(client.json, &answer.into_inner(), view::probed)
}
