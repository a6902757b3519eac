//! What can go wrong with a query: what a verb can answer to, and everything else.

use sqlx::error::ErrorKind;

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

/// SQLSTATEs that say "not now": out of connections or shutting down (class 57P, 53), a lock or statement that took too long, a
/// deadlock, a primary that became a standby.
const NOT_NOW: [&str; 5] = ["55P03", "57014", "40P01", "40001", "25006"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match &error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed => Self::Unreachable(error),
                _ => Self::Other(error),
            };
        };
        let constraint = || database.constraint().unwrap_or_default().to_owned();
        match database.kind() {
            ErrorKind::UniqueViolation => Self::Unique {
                constraint: constraint(),
            },
            ErrorKind::ForeignKeyViolation => Self::Referenced {
                constraint: constraint(),
            },
            _ => {
                let code = database.code().unwrap_or_default();
                let not_now = NOT_NOW.contains(&&*code)
                    || code.starts_with("57P")
                    || code.starts_with("53")
                    || code.starts_with("08");
                if not_now {
                    Self::Unreachable(error)
                } else {
                    Self::Other(error)
                }
            }
        }
    }
}
