//! `keylease master-key status`: which master keys there are, and what each still wraps.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::{output, table, words};
use crate::proto::{self, MasterKeyStatus};

/// The verbs of `master-key` that ask a server.
#[derive(Debug, Subcommand)]
pub enum MasterKeyCommand {
    /// Show the master keys by fingerprint, and what each still wraps
    Status(MasterKeyStatusArgs),
}

/// Where to ask.
#[derive(Debug, Args)]
pub struct MasterKeyStatusArgs {
    #[command(flatten)]
    client: ClientArgs,
}

impl MasterKeyCommand {
    pub(super) fn client(&self) -> &ClientArgs {
        match self {
            Self::Status(args) => &args.client,
        }
    }
}

/// Runs the verb.
pub(super) async fn run(command: MasterKeyCommand) -> Result<(), Failure> {
    let client = command.client();
    let request = proto::GetMasterKeyStatusRequest {};
    let answer = client.admin().await?.get_master_key_status(request).await?;
    output::show(client.json, &answer.into_inner(), |answer| {
        list(&answer.master_keys)
    })
}

fn list(keys: &[MasterKeyStatus]) -> String {
    let rows = keys.iter().map(|key| {
        vec![
            key.fingerprint.clone(),
            if key.present { "yes" } else { "MISSING" }.to_owned(),
            if key.promoted { "yes" } else { words::NOTHING }.to_owned(),
            words::number(key.secrets),
            if key.wraps_cluster_key {
                "yes"
            } else {
                words::NOTHING
            }
            .to_owned(),
            words::number(key.wraps),
        ]
    });
    let header = [
        "FINGERPRINT",
        "HERE",
        "PROMOTED",
        "SECRETS",
        "CLUSTER KEY",
        "WRAPS MADE",
    ];
    table::list(&header, rows, "no master keys")
}
