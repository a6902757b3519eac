//! Brings a database to the schema of this build.

use sqlx::migrate::Migrator;

/// The migrations of this build, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");
