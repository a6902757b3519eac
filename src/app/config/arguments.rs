//! The flags and their variables, as text: what each means, its unit, default and bounds. `parse.rs` makes values of them.

use std::path::PathBuf;

use clap::Args;

use super::{alerts::AlertArguments, database::UrlArguments, flag_values::path_or_empty};

/// Where the data is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArguments {
    /// Its URL.
    #[command(flatten)]
    pub url: UrlArguments,
    /// Connections to Postgres at once, 2 to 200. Leases need few: one reserves permits, the rest serve admin verbs and reports.
    #[arg(
        long,
        env = "KEYLEASE_DATABASE_CONNECTIONS_MAX",
        value_name = "COUNT",
        default_value = "10"
    )]
    pub database_connections_max: String,
}

/// What seals the secrets: one source at least; several make one ring.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Master keys (one source at least)")]
pub struct MasterKeyArguments {
    /// File of master keys made by `keylease master-key generate`, one to a line. A new cluster seals by the first; from then on by the one
    /// that `keylease master-key promote` names. Read again when it changes. Keep a copy elsewhere: without it no stored key can be read. The variable
    /// KEYLEASE_MASTER_KEY, which has no flag, may hold their text itself.
    #[arg(long, env = "KEYLEASE_MASTER_KEY_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub master_key_file: Option<PathBuf>,
    /// Folder of such files, such as a mounted Kubernetes secret: all of them are read, in the order of their names, and again when they
    /// change.
    #[arg(long, env = "KEYLEASE_MASTER_KEY_DIR", value_parser = path_or_empty(), value_name = "PATH")]
    pub master_key_dir: Option<PathBuf>,
    /// File with a passphrase of at least 12 bytes, from which a master key is derived (argon2id). The variable
    /// KEYLEASE_PASSPHRASE, which has no flag, may hold another one itself.
    #[arg(long, env = "KEYLEASE_PASSPHRASE_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub passphrase_file: Option<PathBuf>,
}

/// What is logged, to standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArguments {
    /// What to log: a level (error, warn, info, debug, trace), or levels per target. Example: info,keylease::live=debug
    #[arg(
        long = "log",
        env = "KEYLEASE_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    pub filter: String,
    /// How to log: text for people, json (one object a line) for machines.
    #[arg(
        long = "log-format",
        env = "KEYLEASE_LOG_FORMAT",
        value_name = "text|json",
        default_value = "text"
    )]
    pub format: String,
}

/// `keylease serve`
#[derive(Debug, Clone, Args)]
pub struct ServeArguments {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// The master key.
    #[command(flatten)]
    pub master_key: MasterKeyArguments,
    /// Where clients connect, by gRPC. Beyond loopback it needs TLS. Example: 0.0.0.0:7600
    #[arg(
        long,
        env = "KEYLEASE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7600",
        help_heading = "Network"
    )]
    pub listen: String,
    /// Where Prometheus reads /metrics, by plain HTTP; `off` for nowhere. It tells names of pools and accounts, never a secret.
    #[arg(
        long,
        env = "KEYLEASE_METRICS_LISTEN",
        value_name = "ADDRESS|off",
        default_value = "127.0.0.1:7601",
        help_heading = "Network"
    )]
    pub metrics_listen: String,
    /// A second gRPC port, in plaintext, that answers only health checks, for probes that can't do TLS; `off` for none.
    #[arg(
        long,
        env = "KEYLEASE_HEALTH_LISTEN",
        value_name = "ADDRESS|off",
        default_value = "off",
        help_heading = "Network"
    )]
    pub health_listen: String,
    /// Connections of gRPC clients at once, 16 to 100000, or what the limit of open files leaves room for; more are closed at once.
    #[arg(
        long,
        env = "KEYLEASE_CONNECTIONS_MAX",
        value_name = "COUNT",
        default_value = "4096",
        help_heading = "Network"
    )]
    pub connections_max: String,
    /// TLS certificate chain of this server, PEM, the server's own certificate first. Needs --tls-key-file.
    #[arg(
        long,
        env = "KEYLEASE_TLS_CERT_FILE", value_parser = path_or_empty(),
        value_name = "PATH",
        help_heading = "Network"
    )]
    pub tls_cert_file: Option<PathBuf>,
    /// Private key of that certificate, PEM (PKCS#8, PKCS#1 or SEC1), not encrypted.
    #[arg(
        long,
        env = "KEYLEASE_TLS_KEY_FILE", value_parser = path_or_empty(),
        value_name = "PATH",
        help_heading = "Network"
    )]
    pub tls_key_file: Option<PathBuf>,
    /// Certificates of authorities, PEM, that probes and alerts believe beside those that browsers trust: for a webhook, or a provider, of a
    /// private network.
    #[arg(
        long,
        env = "KEYLEASE_OUTBOUND_CA_FILE", value_parser = path_or_empty(),
        value_name = "PATH",
        help_heading = "Network"
    )]
    pub outbound_ca_file: Option<PathBuf>,
    /// Serve beyond loopback without TLS. The risk: whoever sees the network's traffic reads every leased provider key and every caller's
    /// token. Only for a network that something else encrypts, such as a mesh.
    #[arg(
        long,
        env = "KEYLEASE_INSECURE_PLAINTEXT",
        value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, hide_default_value = true,
        help_heading = "Network"
    )]
    pub insecure_plaintext: String,
    /// Let base URLs and hosts of accounts be loopback addresses. The risk: whatever listens there, on the machine of a caller, gets the
    /// provider's keys. For tests; `keylease dev` allows it anyway. What is created so stays when this is off again.
    #[arg(
        long,
        env = "KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS",
        value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, hide_default_value = true,
        help_heading = "Network"
    )]
    pub insecure_loopback_upstreams: String,
    /// How long this replica goes on leasing while it can't reach Postgres, 10s to 1h. A revoked key may be leased for that long by a
    /// replica that is cut off.
    #[arg(
        long,
        env = "KEYLEASE_SNAPSHOT_AGE_MAX",
        value_name = "DURATION",
        default_value = "5m",
        help_heading = "Behaviour"
    )]
    pub snapshot_age_max: String,
    /// How much of what Postgres has acknowledged a failover may lose, 1s to 1h; `none` where a standby takes over only with everything,
    /// as under synchronous replication. After a failover that may lose writes, limits are frozen for their charge time, and those of
    /// an hour and more are charged for what may be lost.
    #[arg(
        long,
        env = "KEYLEASE_FAILOVER_LOSS_MAX",
        value_name = "DURATION|none",
        default_value = "10s",
        help_heading = "Behaviour"
    )]
    pub failover_loss_max: String,
    /// How long records of changes are kept, 1day to 3653days; `off` for ever. The rest still verifies.
    #[arg(
        long,
        env = "KEYLEASE_AUDIT_AGE_MAX",
        value_name = "DURATION|off",
        default_value = "off",
        help_heading = "Behaviour"
    )]
    pub audit_age_max: String,
    /// How long records of leases are kept, 1day to 3653days; `off` for ever. The rest still verifies.
    #[arg(
        long,
        env = "KEYLEASE_JOURNAL_AGE_MAX",
        value_name = "DURATION|off",
        default_value = "90days",
        help_heading = "Behaviour"
    )]
    pub journal_age_max: String,
    /// At shutdown, how long to answer NOT_SERVING before calls are refused, 0s to 15s: as long as load balancers take to notice.
    #[arg(
        long,
        env = "KEYLEASE_DRAIN_DELAY",
        value_name = "DURATION",
        default_value = "3s",
        help_heading = "Behaviour"
    )]
    pub drain_delay: String,
    /// The alerts.
    #[command(flatten)]
    pub alerts: AlertArguments,
    /// The logs.
    #[command(flatten)]
    pub log: LogArguments,
}

/// `keylease migrate`
#[derive(Debug, Clone, Args)]
pub struct MigrateArguments {
    /// The database, which the URL's user must own.
    #[command(flatten)]
    pub url: UrlArguments,
    /// How long to go on trying while the database does not answer, 0s to 1h; for jobs that start beside their database.
    #[arg(
        long,
        env = "KEYLEASE_MIGRATE_WAIT",
        value_name = "DURATION",
        default_value = "0s"
    )]
    pub wait: String,
    /// The logs.
    #[command(flatten)]
    pub log: LogArguments,
}

/// `keylease bootstrap`
#[derive(Debug, Clone, Args)]
pub struct BootstrapArguments {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// The master key.
    #[command(flatten)]
    pub master_key: MasterKeyArguments,
    /// Write the token to this file, made with mode 0600, instead of standard output. A file that exists is refused.
    #[arg(long, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
    /// Make another token for `admin` although there is one, since it was lost. The tokens it has stay valid: revoke them afterwards.
    #[arg(long)]
    pub recover: bool,
    /// The logs.
    #[command(flatten)]
    pub log: LogArguments,
}
