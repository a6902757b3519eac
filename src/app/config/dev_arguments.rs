//! The flags of `keylease dev`, and their variables.

use std::path::PathBuf;

use clap::Args;

use super::{arguments::LogArguments, flag_values::path_or_empty};

/// `keylease dev`
#[derive(Debug, Clone, Args)]
pub struct DevArguments {
    /// Folder for everything: database, master key, tokens. Remove it to start afresh. Where root works below a folder that nobody else may
    /// enter, the database is in /var/lib/keylease-…, with a link to it in DATA/postgres: remove both.
    #[arg(
        long,
        env = "KEYLEASE_DEV_DATA",
        value_parser = path_or_empty(),
        value_name = "PATH",
        default_value = ".keylease"
    )]
    pub data: PathBuf,
    /// Where clients connect, by gRPC, in plaintext: loopback only. Port 0 takes a free one, and DATA/address says which.
    #[arg(
        long,
        env = "KEYLEASE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7600"
    )]
    pub listen: String,
    /// Where Prometheus reads /metrics; `off` for nowhere.
    #[arg(
        long,
        env = "KEYLEASE_METRICS_LISTEN",
        value_name = "ADDRESS|off",
        default_value = "127.0.0.1:7601"
    )]
    pub metrics_listen: String,
    /// Folder of `postgres` and `initdb`; otherwise PATH and the usual places are searched, the newest release first.
    #[arg(long, env = "KEYLEASE_POSTGRES_BIN", value_parser = path_or_empty(), value_name = "PATH")]
    pub postgres_bin: Option<PathBuf>,
    /// The logs.
    #[command(flatten)]
    pub log: LogArguments,
}
