//! What can go wrong with a query: what a verb can answer to, and everything else.

use std::io;

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row of this name is there already.
    #[error("the constraint {constraint} is violated")]
    Unique {
        /// The constraint.
        constraint: String,
    },
    /// Another row refers to this one, or the row it refers to is gone.
    #[error("the reference {constraint} is violated")]
    Referenced {
        /// The constraint.
        constraint: String,
    },
    /// The database cannot be reached, or does not answer in time. Nothing is known to have been changed.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// A row holds what this release never writes.
    #[error("the row {uid} of {table} cannot be read: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        uid: String,
        /// What does not parse.
        what: String,
    },
    /// Anything else.
    #[error("a query failed")]
    Other(#[source] sqlx::Error),
}

impl Error {
    /// The query ended without an answer, so whether it was done is not known.
    #[must_use]
    pub fn unanswered() -> Self {
        let cause = io::Error::new(io::ErrorKind::TimedOut, "it gave no answer in time");
        Self::Unreachable(sqlx::Error::Io(cause))
    }
}

impl Error {
    /// The database cannot be reached, or does not answer in time.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// Others held a row for too long: the database is well, and busy.
    #[must_use]
    pub fn is_lock_timeout(&self) -> bool {
        let Self::Unreachable(error) = self else {
            return false;
        };
        let code = error.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| code == LOCK_TIMEOUT)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return if is_connection_lost(&error) {
                Self::Unreachable(error)
            } else {
                Self::Other(error)
            };
        };
        let constraint = database.constraint().unwrap_or_default().to_owned();
        if database.is_unique_violation() {
            Self::Unique { constraint }
        } else if database.is_foreign_key_violation() {
            Self::Referenced { constraint }
        } else if is_not_now(&database.code().unwrap_or_default()) {
            Self::Unreachable(error)
        } else {
            Self::Other(error)
        }
    }
}

const fn is_connection_lost(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
    )
}

/// The SQLSTATE of a lock that took too long.
const LOCK_TIMEOUT: &str = "55P03";

/// SQLSTATEs that say "not now": no connection (class 08), out of resources (53), shutting down (57P), a lock or statement that took
/// too long, a deadlock, a primary that became a standby.
fn is_not_now(code: &str) -> bool {
    const CODES: [&str; 5] = [LOCK_TIMEOUT, "57014", "40P01", "40001", "25006"];
    const CLASSES: [&str; 3] = ["08", "53", "57P"];
    CODES.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class))
}
