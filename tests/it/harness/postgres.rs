//! A database per test, made in milliseconds from a migrated template, on one server per test binary.
//!
//! The server is private to the binary and ends with it, folder and all, unless `KEYLEASE_TEST_DATABASE_URL` names another. Each database
//! is dropped when its test ends: hundreds of them would fill gigabytes of disk.

use std::{env, hash::Hasher, str::FromStr};

use keylease::app::{
    migrate::MIGRATOR,
    postgres::{Options, PrivatePostgres},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::process::kill;

/// Any number that nothing else locks: two test binaries may make the template at once.
const TEMPLATE_LOCK: i64 = 0x6b65_796c;

static SERVER: OnceCell<Server> = OnceCell::const_new();

struct Server {
    /// Connects to the database `postgres`.
    options: PgConnectOptions,
    template: String,
    /// Kept for as long as the binary runs; none where the server is somebody else's.
    own: Option<PrivatePostgres>,
}

/// A migrated database that nobody else uses.
pub(crate) struct Database {
    /// How to connect.
    pub(crate) options: PgConnectOptions,
    /// Connections to it.
    pub(crate) pool: PgPool,
    name: String,
    /// The server, where it has one of its own.
    server: Option<PrivatePostgres>,
}

impl Database {
    /// Makes one.
    pub(crate) async fn create() -> Self {
        let server = SERVER.get_or_init(Server::start).await;
        Self::on(&server.options, &server.template, None).await
    }

    /// Makes one on a server of its own, which can be stopped.
    pub(crate) async fn create_alone() -> Self {
        let own = PrivatePostgres::start(&new_folder(), &fast())
            .await
            .unwrap();
        let options = own.connect_options().database("postgres");
        let template = make_template(&options).await;
        Self::on(&options, &template, Some(own)).await
    }

    async fn on(server: &PgConnectOptions, template: &str, own: Option<PrivatePostgres>) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut connection = server.connect().await.unwrap();
        let create = format!("create database {name} template {template}");
        execute(&mut connection, create).await;
        connection.close().await.unwrap();
        let options = server.clone().database(&name);
        let pool = PgPoolOptions::new()
            .max_connections(5)
            .connect_with(options.clone())
            .await
            .unwrap();
        Self {
            options,
            pool,
            name,
            server: own,
        }
    }

    /// Stops its own server, or lets it go on: every process of it, so that it neither answers nor refuses.
    pub(crate) fn signal_server(&self, signal: &str) {
        let log = self.server.as_ref().unwrap().log_file();
        let pid = std::fs::read_to_string(log.with_file_name("data").join("postmaster.pid"));
        let pid: u32 = pid.unwrap().lines().next().unwrap().parse().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap();
        kill(signal, pid);
        for child in children.split_whitespace() {
            kill(signal, child.parse().unwrap());
        }
    }

    /// Everything that it holds, as text: bytes as hex.
    pub(crate) async fn dump(&self) -> String {
        let rows = async |query: String| -> Vec<String> {
            let rows = sqlx::query_scalar(AssertSqlSafe(query));
            rows.fetch_all(&self.pool).await.unwrap()
        };
        let tables =
            "select table_name::text from information_schema.tables where table_schema = 'public'";
        let mut dump = String::new();
        for table in rows(tables.to_owned()).await {
            let rows = rows(format!("select t::text from {table} t")).await;
            dump.push_str(&rows.join("\n"));
        }
        dump
    }

    /// What the server has logged so far, of all its databases; empty where the server is somebody else's.
    pub(crate) fn server_log() -> String {
        let own = SERVER.get().and_then(|server| server.own.as_ref());
        own.map_or_else(String::new, |own| {
            std::fs::read_to_string(own.log_file()).unwrap()
        })
    }

    /// A URL for a process of its own, such as `keylease serve`. It may hold a password.
    pub(crate) fn url(&self) -> String {
        let shared = SERVER.get().and_then(|server| server.own.as_ref());
        match self.server.as_ref().or(shared) {
            Some(own) => own
                .url()
                .replacen("/keylease?", &format!("/{}?", self.name), 1),
            None => self.options.to_url_lossy().to_string(),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.server.is_some() {
            return;
        }
        let Some(server) = SERVER.get() else {
            return;
        };
        let (options, name) = (server.options.clone(), self.name.clone());
        let drop_it = async move {
            let mut connection = options.connect().await.unwrap();
            execute(
                &mut connection,
                format!("drop database {name} with (force)"),
            )
            .await;
        };
        // A runtime of its own, since this one may be ending.
        let dropped = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(drop_it);
        })
        .join();
        assert!(dropped.is_ok() || std::thread::panicking());
    }
}

impl Server {
    async fn start() -> Self {
        let (options, own) = match env::var("KEYLEASE_TEST_DATABASE_URL") {
            Ok(url) => (PgConnectOptions::from_str(&url).unwrap(), None),
            Err(_) => {
                let own = PrivatePostgres::start(&new_folder(), &fast())
                    .await
                    .unwrap();
                (own.connect_options(), Some(own))
            }
        };
        let options = options.database("postgres");
        let template = make_template(&options).await;
        Self {
            options,
            template,
            own,
        }
    }
}

/// For tests: nothing is kept, and many pools connect at once.
pub(crate) fn fast() -> Options {
    Options {
        durable: false,
        ephemeral: true,
        connections_max: 500,
        binaries: None,
    }
}

/// A folder that nobody has used, where the server's user can reach it.
pub(crate) fn new_folder() -> std::path::PathBuf {
    env::temp_dir().join(format!("keylease-test-{}", Uuid::new_v4().simple()))
}

/// Makes the template of these migrations, unless it is there.
async fn make_template(server: &PgConnectOptions) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    for migration in MIGRATOR.iter() {
        hasher.write(&migration.checksum);
    }
    let template = format!("keylease_template_{:016x}", hasher.finish());
    let mut connection = server.connect().await.unwrap();
    execute(
        &mut connection,
        format!("select pg_advisory_lock({TEMPLATE_LOCK})"),
    )
    .await;
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(&template)
            .fetch_one(&mut connection)
            .await
            .unwrap();
    if !exists {
        // Migrated under another name first, so that the template is whole or absent.
        let unfinished = format!("{template}_unfinished");
        execute(
            &mut connection,
            format!("drop database if exists {unfinished}"),
        )
        .await;
        execute(&mut connection, format!("create database {unfinished}")).await;
        let mut migrated = server
            .clone()
            .database(&unfinished)
            .connect()
            .await
            .unwrap();
        MIGRATOR.run(&mut migrated).await.unwrap();
        migrated.close().await.unwrap();
        let rename = format!("alter database {unfinished} rename to {template}");
        execute(&mut connection, rename).await;
    }
    connection.close().await.unwrap();
    template
}

async fn execute(connection: &mut PgConnection, statement: String) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .unwrap();
}
