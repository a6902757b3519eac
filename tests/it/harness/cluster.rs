//! A vault of one or more replicas, as processes on a database of their own, with a master key and an administrator.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::client::Client;
use super::postgres::{Database, new_folder};
use super::process::{keylease, texts};
use super::proxy::{Proxy, Target};
use super::replica::Replica;

/// A vault of processes.
pub(crate) struct Cluster {
    pub(crate) database: Database,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) admin_token: String,
    folder: PathBuf,
    log: &'static str,
}

impl Cluster {
    /// Of one replica.
    pub(crate) async fn start() -> Self {
        Self::of(1).await
    }

    /// Of one replica, with the pool `p` of these accounts, one key each; and clients of its administrator and of a lessee of the
    /// pools of a pattern.
    pub(crate) async fn serving(accounts: &[&str], pattern: &str) -> (Self, Client, Client) {
        let cluster = Self::start().await;
        let admin = cluster.admin().await;
        for account in accounts {
            admin.create_account_and_key(account).await;
        }
        admin.create_pool("p", accounts).await;
        let token = admin.create_lessee("search", pattern).await;
        let caller = cluster.client(0, &token).await;
        (cluster, admin, caller)
    }

    /// Of so many replicas.
    pub(crate) async fn of(replicas: usize) -> Self {
        Self::logging(replicas, "info,keylease=debug").await
    }

    /// Of so many replicas, which log this.
    pub(crate) async fn logging(replicas: usize, log: &'static str) -> Self {
        Self::on(Database::create().await, replicas, log).await
    }

    /// Of so many replicas, on a server of their own.
    pub(crate) async fn alone(replicas: usize) -> Self {
        Self::on(Database::create_alone().await, replicas, "info").await
    }

    async fn on(database: Database, replicas: usize, log: &'static str) -> Self {
        let folder = new_folder();
        fs::create_dir(&folder).unwrap();
        let mut cluster = Self {
            database,
            replicas: Vec::new(),
            admin_token: String::new(),
            folder,
            log,
        };
        private_file(
            &cluster.folder.join("database.url"),
            &cluster.database.url(),
        );
        let master_key = cluster.master_key();
        run(&mut keylease(&[
            "master-key",
            "generate",
            "--out",
            &master_key,
        ]));
        let token = run(&mut cluster.command("bootstrap"));
        token.trim().clone_into(&mut cluster.admin_token);
        for _ in 0..replicas {
            cluster.add().await;
        }
        cluster
    }

    /// A proxy before the database: replicas that are started from now on reach it through that.
    pub(crate) async fn proxy(&self) -> Proxy {
        let options = &self.database.options;
        let (host, port) = (options.get_host(), options.get_port());
        let proxy = Proxy::to(match options.get_socket() {
            Some(folder) => Target::Unix(folder.join(format!(".s.PGSQL.{port}"))),
            None => Target::Tcp(format!("{host}:{port}").parse().unwrap()),
        })
        .await;
        let (user, name) = (options.get_username(), options.get_database().unwrap());
        let url = format!("postgres://{user}@{}/{name}?sslmode=disable", proxy.address);
        let file = self.folder.join("database.url");
        fs::remove_file(&file).unwrap();
        private_file(&file, &url);
        proxy
    }

    /// Starts one more replica.
    pub(crate) async fn add(&mut self) {
        self.add_with(&[]).await;
    }

    /// Starts one more replica, with these variables besides.
    pub(crate) async fn add_with(&mut self, variables: &[(&str, &str)]) {
        let command = self.serving_command(variables);
        self.replicas.push(Replica::start(command).await);
    }

    /// Starts one more replica, which may open so many files.
    pub(crate) async fn add_with_files(&mut self, files_max: u32) {
        let serve = self.serving_command(&[]);
        let mut command = Command::new("/bin/sh");
        let limited = format!("ulimit -n {files_max}; exec \"$@\"");
        command.args(["-c", &limited, "serve"]);
        command.arg(serve.get_program()).args(serve.get_args());
        command.env_clear();
        for (name, value) in serve.get_envs() {
            command.env(name, value.unwrap());
        }
        self.replicas.push(Replica::start(command).await);
    }

    fn serving_command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = self.command("serve");
        command
            .env("KEYLEASE_LISTEN", "127.0.0.1:0")
            .env("KEYLEASE_METRICS_LISTEN", "127.0.0.1:0")
            .env("KEYLEASE_DRAIN_DELAY", "0s")
            // The stand-in of a provider is on this machine.
            .env("KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS", "true")
            // There is no standby that could lack something, so limits of long windows are granted at any pace.
            .env("KEYLEASE_FAILOVER_LOSS_MAX", "none")
            .env("KEYLEASE_LOG", self.log)
            .env("KEYLEASE_LOG_FORMAT", "json")
            .envs(variables.iter().copied());
        command
    }

    /// The file of the master key.
    pub(crate) fn master_key(&self) -> String {
        self.folder.join("master.key").to_str().unwrap().to_owned()
    }

    /// A client of the first replica with the administrator's token.
    pub(crate) async fn admin(&self) -> Client {
        self.client(0, &self.admin_token).await
    }

    /// A client of a replica with this token.
    pub(crate) async fn client(&self, replica: usize, token: &str) -> Client {
        Client::connect(self.replicas[replica].address, token).await
    }

    /// Waits until every replica serves from what is in the database now: one poll.
    pub(crate) async fn settled(&self) {
        let rev: i64 = sqlx::query_scalar("select rev from cluster")
            .fetch_one(&self.database.pool)
            .await
            .unwrap();
        for replica in &self.replicas {
            let known = async || {
                let known = replica.metric("keylease_snapshot_rev").await;
                known.is_some_and(|known| known >= rev as f64)
            };
            eventually("a replica has polled", known).await;
        }
    }

    /// A command of the binary on its database, with its master key.
    pub(crate) fn command(&self, verb: &str) -> Command {
        let mut command = keylease(&[verb]);
        command
            .env(
                "KEYLEASE_DATABASE_URL_FILE",
                self.folder.join("database.url"),
            )
            .env("KEYLEASE_MASTER_KEY_FILE", self.master_key());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.replicas.clear();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// A line in a file for its owner alone, as secrets are mounted.
fn private_file(path: &Path, line: &str) {
    let mut options = fs::OpenOptions::new();
    let file = options.create_new(true).write(true).mode(0o600).open(path);
    writeln!(file.unwrap(), "{line}").unwrap();
}

/// Standard output of a command that must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, error) = texts(&output);
    assert!(output.status.success(), "{error}");
    out
}

/// Waits until something holds, for longer than anything takes on a busy machine.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    eventually_some(what, async || holds().await.then_some(())).await;
}

/// Waits until there is something, and answers it.
pub(crate) async fn eventually_some<T>(what: &str, get: impl AsyncFn() -> Option<T>) -> T {
    let got = async {
        loop {
            if let Some(got) = get().await {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let got = tokio::time::timeout(Duration::from_secs(60), got).await;
    got.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}
