//! Why a private Postgres does not start, and what to do about it.

use std::{io, path::PathBuf};

/// Why a private Postgres does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No server binaries.
    #[error(
        "no PostgreSQL server on this machine (looked for `postgres` and `initdb` in {looked}); install it: `apt-get install \
         postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora, RHEL), `apk add postgresql` (Alpine), `brew install \
         postgresql` (macOS); or name the folder of the binaries in KEYLEASE_POSTGRES_BIN"
    )]
    NoBinaries {
        /// The places that were looked at.
        looked: String,
    },
    /// A folder was named that holds no server.
    #[error(
        "KEYLEASE_POSTGRES_BIN names {}, which has no postgres and initdb: correct or unset it", folder.display()
    )]
    NoneInNamed {
        /// What it names.
        folder: PathBuf,
    },
    /// The data was made by a release that is not installed.
    #[error(
        "the data was made by PostgreSQL {version}, and only {found} is on this machine: install PostgreSQL {version}, or use another folder"
    )]
    OtherVersion {
        /// The release that made it.
        version: String,
        /// The releases found.
        found: String,
    },
    /// Somebody else runs on the folder.
    #[error("{folder} is in use by process {pid}: stop that one, or use another folder")]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Who uses it.
        pid: String,
    },
    /// Root needs an unprivileged user to run Postgres as.
    #[error(
        "Postgres refuses to run as root, and there is no user `postgres` or `nobody` to run it as: make one, or do not run as root"
    )]
    NoUser,
    /// The user that Postgres runs as can't get there.
    #[error(
        "{folder} can't be reached by user {user}, as which Postgres runs, since root must not run it: use a folder that can"
    )]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// The user.
        user: String,
    },
    /// No place for the socket.
    #[error(
        "no folder for the socket: its path may have {max} bytes, and none of {tried} is both short enough and safe to use"
    )]
    NoSocketFolder {
        /// Bytes allowed.
        max: usize,
        /// What was tried.
        tried: String,
    },
    /// Something else is where the socket's folder should be.
    #[error(
        "{path} is no folder of mode 0700 that belongs to the user Postgres runs as: remove it"
    )]
    NotOurs {
        /// What is there.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("can't {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Making the data failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it said.
        output: String,
    },
    /// The server ended while it started.
    #[error("Postgres ended while it started; the end of its log:\n{log}")]
    Ended {
        /// The last lines of its log.
        log: String,
    },
    /// A server of an earlier run can't be stopped.
    #[error(
        "Postgres of an earlier run (process {pid}) still uses {data} and does not stop: stop it by hand"
    )]
    LeftOver {
        /// The server's process.
        pid: i32,
        /// Its data.
        data: PathBuf,
    },
    /// The server did not stop in time.
    #[error(
        "Postgres did not stop within {seconds} s and was killed; it recovers at the next start"
    )]
    SlowStop {
        /// How long it had.
        seconds: u64,
    },
    /// The server runs, but does not answer.
    #[error("the private Postgres does not answer")]
    Database(#[from] sqlx::Error),
}

impl StartError {
    /// Names what was done to which path.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
