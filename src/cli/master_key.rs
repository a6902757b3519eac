//! `keylease master-key status` and the verbs that rotate master keys while the vault serves.

use clap::{Args, Subcommand};
use prost_types::Duration;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, duration, say_validated};
use super::output;
use crate::proto;

mod view;

/// The order of a rotation, for whoever asks how.
const ORDER: &str = "Rotating: 1. `keylease master-key generate`, and add the key to the master keys of every replica; 2. promote it, which is refused \
while a replica lacks it; 3. rewrap, and wait until `status` says done; 4. retire the old one once no backup needs it; 5. take it out.";

/// The verbs of `master-key` that ask a server.
#[derive(Debug, Subcommand)]
pub enum MasterKeyCommand {
    /// Show the master keys by fingerprint, what each still wraps, who holds it, and how far a rewrap is
    #[command(after_help = ORDER)]
    Status(MasterKeyStatusArgs),
    /// Seal by this master key from now on; refused while a replica does not hold it
    #[command(after_help = ORDER)]
    Promote(PromoteArgs),
    /// Wrap everything anew under the promoted master key, in the background; again to change the pace
    #[command(after_help = ORDER)]
    Rewrap(RewrapArgs),
    /// Stop the rewrap that runs; what was moved stays moved
    CancelRewrap(CancelRewrapArgs),
    /// Use a master key no more, on any replica; refused while something needs it
    #[command(after_help = ORDER)]
    Retire(RetireArgs),
}

/// Where to ask.
#[derive(Debug, Args)]
pub struct MasterKeyStatusArgs {
    #[command(flatten)]
    client: ClientArgs,
}

/// Which key to promote.
#[derive(Debug, Args)]
pub struct PromoteArgs {
    /// Its fingerprint, as `status` lists it (mk_0123456789abcdef)
    fingerprint: String,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// How fast.
#[derive(Debug, Args)]
pub struct RewrapArgs {
    /// Data keys a second at most, 1 to 20000 [default: 1000]
    #[arg(
        long,
        value_name = "COUNT",
        default_value = "0",
        hide_default_value = true
    )]
    rate_max: i32,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// What every change takes.
#[derive(Debug, Args)]
pub struct CancelRewrapArgs {
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    client: ClientArgs,
}

/// Which key to retire.
#[derive(Debug, Args)]
pub struct RetireArgs {
    /// Its fingerprint, as `status` lists it (mk_0123456789abcdef)
    fingerprint: String,
    /// How long backups are kept that may need it: for so long nothing must have been wrapped with it [default: 30days]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    retention: Option<Duration>,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl MasterKeyCommand {
    pub(super) fn client(&self) -> &ClientArgs {
        match self {
            Self::Status(args) => &args.client,
            Self::Promote(args) => &args.client,
            Self::Rewrap(args) => &args.client,
            Self::CancelRewrap(args) => &args.client,
            Self::Retire(args) => &args.client,
        }
    }

    fn change(&self) -> Option<&ChangeArgs> {
        match self {
            Self::Status(_) => None,
            Self::Promote(args) => Some(&args.change),
            Self::Rewrap(args) => Some(&args.change),
            Self::CancelRewrap(args) => Some(&args.change),
            Self::Retire(args) => Some(&args.change),
        }
    }
}

/// Runs the verb.
pub(super) async fn run(command: MasterKeyCommand) -> Result<(), Failure> {
    let client = command.client().clone();
    let mut admin = client.admin().await?;
    let validate_only = command.change().is_some_and(|change| change.validate_only);
    let status = match command {
        MasterKeyCommand::Status(_) => {
            let request = proto::GetMasterKeyStatusRequest {};
            Some(admin.get_master_key_status(request).await?.into_inner())
        }
        MasterKeyCommand::Promote(args) => {
            let request = proto::PromoteMasterKeyRequest {
                fingerprint: args.fingerprint,
                request_id: args.change.request_id,
                validate_only: args.change.validate_only,
                reason: args.change.reason,
            };
            admin.promote_master_key(request).await?.into_inner().status
        }
        MasterKeyCommand::Rewrap(args) => {
            let request = proto::RewrapKeysRequest {
                rate_max: args.rate_max,
                request_id: args.change.request_id,
                validate_only: args.change.validate_only,
                reason: args.change.reason,
            };
            admin.rewrap_keys(request).await?.into_inner().status
        }
        MasterKeyCommand::CancelRewrap(args) => {
            let request = proto::CancelRewrapRequest {
                request_id: args.change.request_id,
                validate_only: args.change.validate_only,
                reason: args.change.reason,
            };
            admin.cancel_rewrap(request).await?.into_inner().status
        }
        MasterKeyCommand::Retire(args) => {
            let request = proto::RetireMasterKeyRequest {
                fingerprint: args.fingerprint,
                retention: args.retention,
                request_id: args.change.request_id,
                validate_only: args.change.validate_only,
                reason: args.change.reason,
            };
            admin.retire_master_key(request).await?.into_inner().status
        }
    };
    say_validated(validate_only);
    output::show(client.json, &status.unwrap_or_default(), view::status)
}
