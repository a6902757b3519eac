//! Configuration: arguments and environment in, parsed values out, and every mistake named at once before anything is bound.

mod alerts;
mod arguments;
mod audit;
mod authorities;
mod database;
mod dev_arguments;
mod doctor;
mod duration;
mod flag_values;
mod key_folder;
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
    BootstrapArguments, DatabaseArguments, LogArguments, MasterKeyArguments, MigrateArguments,
    ServeArguments,
};
pub use audit::{AuditArguments, AuditConfig};
pub use database::{DatabaseUrl, UrlArguments};
pub use dev_arguments::DevArguments;
pub use doctor::{DoctorArguments, DoctorConfig};
pub use log::{LogConfig, LogFormat};
pub use master_key::{MasterKeySources, SecretVariables};
pub use parse::{BootstrapConfig, DevConfig, MigrateConfig};
pub use problems::ConfigError;
pub use serve::ServeConfig;
pub use strangers::Strangers;
