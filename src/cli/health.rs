//! `clear-health`, which accounts and keys share.

use clap::Args;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, say_validated};
use super::output;
use crate::proto;

/// What is to be forgotten.
#[derive(Debug, Args)]
pub(crate) struct ClearHealthArgs {
    /// Its name: an account (openai) or, for keys, a key (openai/main) or one version of it (openai/main/3)
    pub(crate) name: String,
    /// Only this model of an account
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Forgets what is held against the resource of this full name.
pub(crate) async fn clear(
    client: &ClientArgs,
    name: String,
    args: ClearHealthArgs,
) -> Result<(), Failure> {
    let request = proto::ClearHealthRequest {
        name: name.clone(),
        model: args.model,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.clear_health(request).await?;
    say_validated(args.change.validate_only);
    output::show(client.json, &answer.into_inner(), |answer| {
        format!("{name}: cleared {}", answer.cleared)
    })
}
