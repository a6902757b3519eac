//! `keylease migrate`: brings a database to the schema of this build. Embedded, locked, harmless to repeat.

use std::{io::Write, time::Duration};

use anyhow::{Context, bail};
use sqlx::{
    ConnectOptions, Connection, PgConnection, Row,
    migrate::{MigrateError, Migrator},
};
use tokio::time::{Instant, sleep};

use super::config::{DatabaseUrl, MigrateConfig};

/// The migrations of this build, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Our own lock around sqlx's, so that what is said to be applied was applied here. Any number that nothing else locks.
const LOCK: i64 = 0x6b65_796c_6561_7365;
/// Between two tries to connect.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Why a database can't be served from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database's schema is at version {found}, and this build needs {wanted}: run `keylease migrate`"
)]
pub struct SchemaError {
    /// The version found; 0 for an empty database.
    pub found: i64,
    /// The version needed.
    pub wanted: i64,
}

/// Migrates, and says on standard output what was applied.
///
/// # Errors
/// The database does not answer, or refuses a migration. No message holds the URL's password.
pub async fn run(config: MigrateConfig) -> anyhow::Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let mut connection = connect(&config.database, config.wait).await?;
    let applied = apply(&mut connection).await?;
    connection.close().await?;
    let mut out = std::io::stdout();
    for (version, description) in &applied {
        writeln!(out, "applied {version:04} {description}")?;
    }
    let done = if applied.is_empty() {
        "nothing to do"
    } else {
        "done"
    };
    writeln!(out, "{done}: the schema is at version {}", newest())?;
    Ok(())
}

/// Applies what is missing, and answers its versions and descriptions. Waits while another process migrates.
///
/// # Errors
/// A migration failed (it left nothing behind), or was edited after it was applied.
pub async fn apply(connection: &mut PgConnection) -> anyhow::Result<Vec<(i64, String)>> {
    sqlx::query("select pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await?;
    let before = version(connection).await?;
    let run = MIGRATOR.run(&mut *connection).await;
    sqlx::query("select pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await?;
    match run {
        Ok(()) => {}
        // A newer release has migrated it, and its schema is valid for this one too.
        Err(MigrateError::VersionMissing(newer)) if before >= newest() => {
            tracing::warn!(
                schema.found = newer,
                schema.known = newest(),
                "the schema is newer than this build: left as it is"
            );
        }
        Err(MigrateError::VersionMismatch(version)) => {
            bail!(
                "migration {version} is not the one that was applied: this build is of another branch, or the file was edited"
            )
        }
        Err(cause) => return Err(cause).context("the database refused a migration"),
    }
    Ok(MIGRATOR
        .iter()
        .filter(|migration| migration.version > before)
        .map(|migration| (migration.version, migration.description.to_string()))
        .collect())
}

/// Whether the schema is what this build needs; a newer one is.
///
/// # Errors
/// It is not ([`SchemaError`]), or the database does not answer.
pub async fn check(connection: &mut PgConnection) -> anyhow::Result<()> {
    let found = version(connection).await?;
    if found < newest() {
        bail!(SchemaError {
            found,
            wanted: newest(),
        });
    }
    Ok(())
}

fn newest() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// The newest migration that was applied; 0 for none.
async fn version(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let exists = sqlx::query("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !exists.try_get::<bool, _>(0)? {
        return Ok(0);
    }
    sqlx::query("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)
}

/// Connects, and goes on trying for as long as the database is only not there yet.
async fn connect(database: &DatabaseUrl, wait: Duration) -> anyhow::Result<PgConnection> {
    let deadline = Instant::now() + wait;
    let options = database.connect_options();
    loop {
        let cause = match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(cause) => cause,
        };
        if !may_pass(&cause) || Instant::now() >= deadline {
            return Err(cause)
                .with_context(|| format!("can't reach {database} of {}", database.named_by()));
        }
        tracing::info!(error = %cause, "the {database} does not answer yet");
        sleep(TRY_EVERY).await;
    }
}

/// A wrong password does not get right by waiting; a database that starts, or whose connections are used up, does.
fn may_pass(cause: &sqlx::Error) -> bool {
    let Some(answer) = cause.as_database_error() else {
        return true;
    };
    answer
        .code()
        .is_some_and(|code| code.starts_with("57P") || code == "53300")
}
