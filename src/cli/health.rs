//! `clear-health`, which accounts, keys and providers share.

use clap::Args;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, say_validated};
use super::{names, output};
use crate::proto;

/// What is to be forgotten.
#[derive(Debug, Args)]
pub(crate) struct ClearHealthArgs {
    /// Its name: an account (openai); for keys, a key (openai/main) or one version of it (openai/main/3); for providers, a host
    /// (api.openai.com) or all that are spoken to alike (openai)
    pub(crate) name: String,
    /// Only this model of an account
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// A key, or a version of one. What cools down as a whole is an account, which has a verb of its own.
pub(crate) fn of_key(args: &ClearHealthArgs) -> Result<String, Failure> {
    if !args.model.is_empty() {
        return Err(Failure::Usage(
            "--model is for accounts, whose cooldowns are kept by model: `keylease accounts clear-health ACCOUNT --model MODEL`".into(),
        ));
    }
    let hint = "for what an account cools down from: `keylease accounts clear-health ACCOUNT [--model MODEL]`";
    names::key_or_version(&args.name).map_err(|failure| failure.hinting(hint))
}

/// An account.
pub(crate) fn of_account(args: &ClearHealthArgs) -> Result<String, Failure> {
    let hint = "for what is held against a key or a version: `keylease keys clear-health ACCOUNT/KEY[/VERSION]`";
    names::account(&args.name).map_err(|failure| failure.hinting(hint))
}

/// A provider, by the host that its accounts go to or the profile that they have.
pub(crate) fn of_provider(args: &ClearHealthArgs) -> Result<String, Failure> {
    if !args.model.is_empty() {
        return Err(Failure::Usage(
            "--model is for accounts, whose cooldowns are kept by model".into(),
        ));
    }
    let name = args.name.strip_prefix("providers/").unwrap_or(&args.name);
    if name.is_empty() || name.contains('/') {
        return Err(Failure::Usage(format!(
            "{} is no provider: name a host, such as api.openai.com, or a profile, such as openai",
            super::words::printable(&args.name)
        )));
    }
    Ok(format!("providers/{name}"))
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
