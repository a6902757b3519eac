//! A private Postgres from the machine's binaries, for `dev` and for tests: a folder, a socket only its owner can reach, and a
//! process that ends with ours.
//!
//! ```text
//! <folder>/lock          held while a process uses the folder; holds its id
//! <folder>/data          what initdb made
//! <folder>/socket        0700; or a short path elsewhere, since a socket's path has at most 107 bytes
//! <folder>/postgres.log  of this run; the run before is postgres.log.old
//! ```

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::{Instant, sleep};

mod binaries;
mod elsewhere;
mod errors;
mod folder;
mod identity;
mod process;
mod socket;

pub use errors::StartError;

use binaries::Binaries;
use folder::Folder;
use identity::Identity;
use process::Process;

/// The role, which owns everything, and the database.
const NAME: &str = "keylease";
/// Only part of the socket's name, since nothing listens on TCP; stated so that `PGPORT` changes nothing.
const PORT: u16 = 5432;
/// Replay of the log after a crash is the longest part; beyond this somebody should look.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A fast shutdown writes one checkpoint.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks at a server that starts or stops.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a private Postgres runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// False turns fsync off, for tests: a crash of the machine loses the data.
    pub durable: bool,
    /// The folder is removed when the server stops, however this process ends.
    pub ephemeral: bool,
    /// Connections at once.
    pub connections_max: u16,
    /// Where `postgres` and `initdb` are; otherwise `PATH`, then the usual places are searched.
    pub binaries: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durable: true,
            ephemeral: false,
            connections_max: 100,
            binaries: None,
        }
    }
}

/// A running server. Dropping it stops the server; so does the end of this process, even by SIGKILL.
#[derive(Debug)]
pub struct PrivatePostgres {
    process: Process,
    folder: Folder,
    notes: Vec<String>,
}

impl PrivatePostgres {
    /// Starts a server on this folder, which is made on first use, and waits until it answers and has its database.
    ///
    /// # Errors
    /// No binaries, a folder in use, or a server that does not start; each says what to do.
    pub async fn start(folder: &Path, options: &Options) -> Result<Self, StartError> {
        let mut notes = Vec::new();
        let identity = Identity::for_folder(folder)?;
        let folder = Folder::open(folder, &identity, &mut notes)?;
        let version = folder.data_version();
        let binaries = Binaries::find(options.binaries.as_deref(), version.as_deref())?;
        process::stop_left_over(&folder.data()).await?;
        if version.is_none() {
            folder.initialise(&binaries, &identity, options)?;
        }
        let process = Process::spawn(&binaries, &identity, &folder, options)?;
        let mut server = Self {
            process,
            folder,
            notes,
        };
        server.wait_until_ready().await?;
        server.create_database().await?;
        Ok(server)
    }

    /// How to connect to the server's database.
    pub fn connect_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.socket())
            .port(PORT)
            .username(NAME)
            .database(NAME)
            .ssl_mode(PgSslMode::Disable)
    }

    /// The same as a URL, for other programs. It holds no password, since there is none.
    pub fn url(&self) -> String {
        let socket = socket::percent_encode(self.folder.socket());
        format!("postgres:///{NAME}?host={socket}&port={PORT}&user={NAME}&sslmode=disable")
    }

    /// Where the socket is.
    pub fn socket_folder(&self) -> &Path {
        self.folder.socket()
    }

    /// Where the server's log is.
    pub fn log_file(&self) -> PathBuf {
        self.folder.log()
    }

    /// What a person should know about where things were put: sentences, usually none.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Resolves when the server has ended by itself, which it never should.
    pub async fn ended(&mut self) {
        while !self.process.has_ended() {
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Stops the server: open transactions are rolled back, and everything committed is on disk.
    ///
    /// # Errors
    /// It did not stop in time, and was stopped the hard way; the next start recovers.
    pub async fn stop(mut self) -> Result<(), StartError> {
        self.process.ask_to_stop();
        let deadline = Instant::now() + STOP_WITHIN;
        while !self.process.has_ended() {
            if Instant::now() >= deadline {
                process::kill(&self.folder.data());
                return Err(StartError::SlowStop {
                    seconds: STOP_WITHIN.as_secs(),
                });
            }
            sleep(LOOK_EVERY).await;
        }
        self.folder.forget_socket();
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> Result<(), StartError> {
        let options = self.connect_options().database("postgres");
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if self.process.has_ended() {
                return Err(StartError::Ended {
                    log: self.folder.log_tail(),
                });
            }
            match PgConnection::connect_with(&options).await {
                Ok(connection) => return Ok(connection.close().await?),
                Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                Err(cause) => return Err(StartError::Database(cause)),
            }
        }
    }

    async fn create_database(&self) -> Result<(), StartError> {
        let mut connection = self
            .connect_options()
            .database("postgres")
            .connect()
            .await?;
        let exists: bool =
            sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
                .bind(NAME)
                .fetch_one(&mut connection)
                .await?;
        if !exists {
            let create = AssertSqlSafe(format!("create database {NAME}"));
            sqlx::raw_sql(create).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }
}
