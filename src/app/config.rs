//! Configuration: arguments and environment in, parsed values out, and every mistake named at once before anything is bound.

mod arguments;
mod database;
mod duration;
mod flag_values;
mod listen;
mod log;
mod master_key;
mod parse;
mod problems;
pub(super) mod secret_file;
mod serve;
mod strangers;

pub use arguments::{
    BootstrapArguments, DatabaseArguments, DevArguments, LogArguments, MasterKeyArguments,
    MigrateArguments, ServeArguments,
};
pub use database::{DatabaseUrl, UrlArguments};
pub use log::{LogConfig, LogFormat};
pub use master_key::{MasterKeySource, SecretVariables};
pub use parse::{BootstrapConfig, DevConfig, MigrateConfig};
pub use problems::ConfigError;
pub use serve::ServeConfig;
pub use strangers::Strangers;
