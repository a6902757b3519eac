//! Configuration: arguments and environment in, parsed values out, and every mistake named at once before anything is bound.

mod alerts;
mod arguments;
mod database;
mod dev_arguments;
mod duration;
mod flag_values;
mod listen;
mod log;
mod master_key;
mod parse;
mod problems;
mod receiver_url;
pub(super) mod secret_file;
mod serve;
mod strangers;

pub use alerts::AlertArguments;
pub(super) use alerts::logged;
pub use arguments::{
    AuditArguments, BootstrapArguments, DatabaseArguments, LogArguments, MasterKeyArguments,
    MigrateArguments, ServeArguments,
};
pub use database::{DatabaseUrl, UrlArguments};
pub use dev_arguments::DevArguments;
pub use log::{LogConfig, LogFormat};
pub use master_key::{MasterKeySource, SecretVariables};
pub use parse::{AuditConfig, BootstrapConfig, DevConfig, MigrateConfig};
pub use problems::ConfigError;
pub use serve::ServeConfig;
pub use strangers::Strangers;
