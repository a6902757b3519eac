//! The verb that replaces the secret of a key, and its end.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use crate::cli::connect::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::flags::{ChangeArgs, duration, say_validated};
use crate::cli::secret::SecretArgs;
use crate::cli::{names, output, rotations};
use crate::proto::{self, Rotation, RotationStep};

/// How often a rotation is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(500);

/// The new secret of a key.
#[derive(Debug, Args)]
pub(super) struct RotateArgs {
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
    /// Wait so long until the new version is current, such as 2m, and fail where it is not by then
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    #[arg(conflicts_with = "validate_only")]
    wait: Option<Duration>,
    /// Refuse if the key has changed since this etag was read
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    change: ChangeArgs,
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
    let rotation = match args.wait {
        Some(wait) => follow(client, rotation, Instant::now() + wait).await?,
        None => rotation,
    };
    output::show(client.json, &rotation, rotations::one)?;
    if is_current(&rotation) || args.change.validate_only {
        return Ok(());
    }
    // What goes on by itself is a failure to whoever waited for it alone.
    if args.wait.is_some() || is_given_up(&rotation) {
        return Err(not_current(&rotation));
    }
    output::remark(&not_current(&rotation).message());
    Ok(())
}

/// Looks at a rotation until its version is current, nothing more happens by itself, or the time is over.
async fn follow(
    client: &ClientArgs,
    mut rotation: Rotation,
    until: Instant,
) -> Result<Rotation, Failure> {
    let mut admin = client.admin().await?;
    while !is_current(&rotation) && !is_given_up(&rotation) && Instant::now() < until {
        sleep(LOOK).await;
        let name = rotation.name.clone();
        let answer = admin
            .get_rotation(proto::GetRotationRequest { name })
            .await?;
        let looked = answer.into_inner().rotation;
        rotation = looked.ok_or_else(|| Failure::answer_lacks("rotation"))?;
    }
    Ok(rotation)
}

/// Its version has taken over.
fn is_current(rotation: &Rotation) -> bool {
    match rotation.step() {
        RotationStep::Draining | RotationStep::Revoking | RotationStep::Done => true,
        RotationStep::Unspecified
        | RotationStep::Pending
        | RotationStep::Creating
        | RotationStep::Testing
        | RotationStep::Cancelled
        | RotationStep::RolledBack => false,
    }
}

/// Its version takes over only by somebody's word, or never.
fn is_given_up(rotation: &Rotation) -> bool {
    let step = rotation.step();
    rotation.held || matches!(step, RotationStep::Cancelled | RotationStep::RolledBack)
}

fn not_current(rotation: &Rotation) -> Failure {
    let (parent, id) = names::split(&rotation.name);
    let key = parent
        .trim_start_matches("accounts/")
        .replacen("/keys/", "/", 1);
    Failure::Failed(format!(
        "the new version is not current: `keylease rotations get {key}/{id}` shows what it waits for"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: RotationStep) -> Rotation {
        Rotation {
            name: "accounts/openai/keys/main/rotations/3".into(),
            step: step.into(),
            ..Rotation::default()
        }
    }

    #[test]
    fn a_rotation_is_waited_for_until_its_version_is_current_or_nothing_happens_by_itself() {
        let state = |rotation: &Rotation| (is_current(rotation), is_given_up(rotation));
        for step in [
            RotationStep::Pending,
            RotationStep::Creating,
            RotationStep::Testing,
        ] {
            assert_eq!(state(&at(step)), (false, false), "{step:?}");
            let held = Rotation {
                held: true,
                ..at(step)
            };
            assert_eq!(state(&held), (false, true), "{step:?}");
        }
        for step in [
            RotationStep::Draining,
            RotationStep::Revoking,
            RotationStep::Done,
        ] {
            assert_eq!(state(&at(step)), (true, false), "{step:?}");
        }
        for step in [RotationStep::Cancelled, RotationStep::RolledBack] {
            assert_eq!(state(&at(step)), (false, true), "{step:?}");
        }
        let told = not_current(&at(RotationStep::Testing)).message();
        assert!(
            told.contains("`keylease rotations get openai/main/3`"),
            "{told}"
        );
    }
}
