//! Postgres servers that are killed, restarted, followed, promoted and restored.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use keylease::app::postgres::{Options, PrivatePostgres};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::time::sleep;

use super::harness::process::{eventually, kill, runs};
use super::harness::proxy::{Proxy, Target};

/// A server that was killed leaves processes that end only when they notice.
const START_TRIES_MAX: usize = 50;
/// Two that stand in each other's way meet seldom.
const RESTORES_MAX: usize = 5;

/// A server with its folder.
#[derive(Debug)]
pub(crate) struct Server {
    own: Option<PrivatePostgres>,
    folder: PathBuf,
}

/// What survives a process is on disk, as in production.
fn options() -> Options {
    Options {
        connections_max: 120,
        ..Options::default()
    }
}

impl Server {
    /// A new one, below this folder.
    pub(crate) async fn start(folder: PathBuf) -> Self {
        let own = PrivatePostgres::start(&folder, &options()).await.unwrap();
        Self {
            own: Some(own),
            folder,
        }
    }

    /// Where it listens.
    pub(crate) fn target(&self) -> Target {
        let socket = self.own.as_ref().unwrap().socket_folder();
        Target::Unix(socket.join(".s.PGSQL.5432"))
    }

    fn process(&self) -> u32 {
        let note = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        note.lines().next().unwrap().parse().unwrap()
    }

    /// Sends a signal to the server and to each process of it that serves a connection or works behind them.
    pub(crate) fn signal(&self, signal: &str) {
        let server = self.process();
        let all = fs::read_dir("/proc").unwrap().flatten();
        let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let own = all.filter(|process| *process == server || parent(*process) == Some(server));
        let mut kill = Command::new("kill");
        kill.arg(signal)
            .args(own.map(|process| process.to_string()));
        // One that serves a connection may end before it is reached.
        kill.stderr(Stdio::null()).status().unwrap();
    }

    /// Kills it: no checkpoint, no goodbye.
    pub(crate) fn kill(&mut self) {
        let process = self.process();
        kill("-KILL", process);
        tokio::task::block_in_place(|| eventually("the server is dead", || !runs(process)));
        drop(self.own.take());
    }

    /// Starts it again after it was killed.
    pub(crate) async fn restart(&mut self) {
        for _ in 0..START_TRIES_MAX {
            if let Ok(own) = PrivatePostgres::start(&self.folder, &options()).await {
                self.own = Some(own);
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
        panic!(
            "postgres does not start again, see {}",
            self.folder.display()
        );
    }

    /// Runs a statement, as the owner of everything.
    async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(statement).execute(&mut connection);
        done.await.unwrap();
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
        query.fetch_one(&mut self.connect().await).await.unwrap()
    }

    async fn connect(&self) -> PgConnection {
        let options = self.own.as_ref().unwrap().connect_options();
        options.connect().await.unwrap()
    }

    /// A standby that follows this server through a link, and has caught up.
    pub(crate) async fn standby(&self, link: &Proxy, folder: PathBuf) -> Self {
        let data = folder.join("data");
        let at = format!("host=127.0.0.1 port={} user=keylease", link.address.port());
        let mut copy = Command::new(binary("pg_basebackup"));
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--pgdata"])
            .arg(&data)
            .args([
                "--dbname",
                &format!("{at} sslmode=disable gssencmode=disable"),
            ]);
        ran(copy);
        give_away(&data, &self.folder.join("data"));
        let standby = Self::start(folder).await;
        standby.execute("do $$ begin
            while not exists (select from pg_stat_wal_receiver where status = 'streaming') loop perform pg_sleep(0.05); end loop;
        end $$").await;
        standby
    }

    /// Makes a standby the primary.
    pub(crate) async fn promote(&self) {
        self.execute("do $$ begin if not pg_promote() then raise 'not promoted'; end if; end $$")
            .await;
    }

    /// Everything in the database, in a file.
    pub(crate) fn dump(&self, file: &Path) {
        let mut dump = Command::new(binary("pg_dump"));
        dump.args(["--format=custom", "--file"]).arg(file);
        ran(self.reached(dump));
    }

    /// Puts the database back to what a dump holds, in one transaction, while others use it. Where it stands in their way as they do in
    /// its own, nothing has been put back, and it is tried again.
    pub(crate) fn restore(&self, file: &Path) {
        for _ in 1..RESTORES_MAX {
            let output = output(&mut self.restoring(file));
            if output.status.success() || !said(&output).contains("deadlock detected") {
                return succeeded(&output);
            }
        }
        ran(self.restoring(file));
    }

    fn restoring(&self, file: &Path) -> Command {
        let mut restore = Command::new(binary("pg_restore"));
        restore
            .args([
                "--clean",
                "--if-exists",
                "--single-transaction",
                "--dbname=keylease",
            ])
            .arg(file);
        self.reached(restore)
    }

    fn reached(&self, mut command: Command) -> Command {
        command
            .env("PGHOST", self.own.as_ref().unwrap().socket_folder())
            .env("PGUSER", "keylease")
            .env("PGDATABASE", "keylease");
        command
    }
}

impl Drop for Server {
    /// One that is stopped would not end.
    fn drop(&mut self) {
        if self.own.is_some() {
            self.signal("-CONT");
        }
    }
}

/// The process that started another one, if that still runs.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything; a letter follows it, then the parent.
    let rest = stat.rsplit(')').next()?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// A tool that lies beside the server: on the path, or in the usual place.
fn binary(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let usual = usual.flatten().map(|release| release.path().join("bin"));
    let mut folders = std::env::split_paths(&path).chain(usual);
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()));
    found.unwrap_or_else(|| panic!("{name} of postgres is not on this machine"))
}

/// Runs a tool to its end.
fn ran(mut command: Command) {
    succeeded(&output(&mut command));
}

/// What a tool came to, without holding up what else is under way.
fn output(command: &mut Command) -> Output {
    tokio::task::block_in_place(|| command.output().unwrap())
}

fn said(output: &Output) -> Cow<'_, str> {
    String::from_utf8_lossy(&output.stderr)
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

/// Where the server runs as another user than we, its copy has to belong to that user too.
fn give_away(folder: &Path, like: &Path) {
    let owner = fs::metadata(like).unwrap();
    if owner.uid() == fs::metadata(folder).unwrap().uid() {
        return;
    }
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        lchown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
}
