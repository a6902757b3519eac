//! A whole vault: a durable Postgres of its own, `keylease serve` as a process, and an administrator's and a lessee's connection to it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use anyhow::{Context, bail};
use keylease::app::postgres::{Options, PrivatePostgres};
use keylease::crypto::MasterKey;
use keylease::proto::admin_service_client::AdminServiceClient;
use keylease::proto::lease_service_client::LeaseServiceClient;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::process::{Server, keylease};

/// A vault that lives for one run.
#[derive(Debug)]
pub(crate) struct Vault {
    /// `keylease serve`.
    pub(crate) server: Server,
    /// Its Postgres.
    pub(crate) postgres: PrivatePostgres,
    /// For everything that is written; it goes when this does.
    pub(crate) folder: Folder,
    metrics: SocketAddr,
    authorization: String,
    channel: Channel,
}

impl Vault {
    /// Starts one that holds nothing yet.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let path =
            std::env::temp_dir().join(format!("keylease-bench-{}", uuid::Uuid::new_v4().simple()));
        // Postgres runs as another user when this runs as root: it must get through.
        std::fs::DirBuilder::new().mode(0o711).create(&path)?;
        let folder = Folder(path);
        let options = Options {
            ephemeral: true,
            ..Options::default()
        };
        let postgres = PrivatePostgres::start(&folder.0.join("postgres"), &options).await?;
        let url = postgres.url();
        let key_file = folder.0.join("master-key").to_string_lossy().into_owned();
        let token_file = folder.0.join("token").to_string_lossy().into_owned();
        run(&url, &["master-key", "generate", "--out", &key_file]).await?;
        run(&url, &["migrate"]).await?;
        run(
            &url,
            &[
                "bootstrap",
                "--master-key-file",
                &key_file,
                "--token-file",
                &token_file,
            ],
        )
        .await?;
        let token = std::fs::read_to_string(&token_file)?;
        let (server, metrics) = serve(&url, &key_file).await?;
        let channel = Endpoint::from_shared(format!("http://{}", server.address))?;
        let vault = Self {
            postgres,
            folder,
            metrics,
            authorization: format!("Bearer {}", token.trim()),
            channel: channel.connect().await?,
            server,
        };
        vault.admit().await?;
        Ok(vault)
    }

    /// Another replica on the same Postgres.
    pub(crate) async fn another(&self) -> anyhow::Result<Server> {
        let key_file = self.folder.0.join("master-key");
        let key_file = key_file.to_string_lossy();
        Ok(serve(&self.postgres.url(), &key_file).await?.0)
    }

    /// Adds a master key to those that the server was given, which it reads again by itself; answers its fingerprint.
    pub(crate) fn add_master_key(&self) -> anyhow::Result<String> {
        let key = MasterKey::generate()?;
        let path = self.folder.0.join("master-key");
        let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
        file.write_all(key.to_text().expose())?;
        file.write_all(b"\n")?;
        Ok(key.fingerprint().to_string())
    }

    /// As every call must carry it.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Where LeaseKey answers.
    pub(crate) fn lease_url(&self) -> String {
        format!(
            "http://{}/keylease.v1.LeaseService/LeaseKey",
            self.server.address
        )
    }

    /// An administrator.
    pub(crate) fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone())
    }

    /// A lessee.
    pub(crate) fn lessee(&self) -> LeaseServiceClient<Channel> {
        LeaseServiceClient::new(self.channel.clone())
    }

    /// A request of the one caller there is.
    pub(crate) fn ask<T>(&self, message: T) -> anyhow::Result<Request<T>> {
        let mut request = Request::new(message);
        let value = self
            .authorization
            .parse()
            .context("a token that is not ASCII")?;
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }

    /// Leases given so far, by the server's own count.
    pub(crate) async fn leases(&self) -> anyhow::Result<u64> {
        self.counted("keylease_leases_total").await
    }

    /// What the server says about refusals, and about blocks of permits, which may be behind them.
    pub(crate) async fn refusals(&self) -> anyhow::Result<String> {
        let page = self.page().await?;
        let names = ["keylease_lease_refusals_total{", "keylease_block_reserve"];
        let lines = page
            .lines()
            .filter(|line| names.iter().any(|name| line.starts_with(name)));
        Ok(lines.collect::<Vec<_>>().join("; "))
    }

    /// The sum of a metric over all its labels; 0 if it was never counted.
    async fn counted(&self, name: &str) -> anyhow::Result<u64> {
        let page = self.page().await?;
        let values = page.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then_some(value)
        });
        let values: Result<Vec<u64>, _> = values.map(str::parse).collect();
        Ok(values?.iter().sum())
    }

    async fn page(&self) -> anyhow::Result<String> {
        let page = reqwest::get(format!("http://{}/metrics", self.metrics)).await?;
        Ok(page.error_for_status()?.text().await?)
    }

    /// Ends both, and removes what they wrote.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.server.end().await?;
        Ok(self.postgres.stop().await?)
    }
}

/// A folder of one run.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies where the system cleans up by itself.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A replica, and where its metrics are.
async fn serve(url: &str, key_file: &str) -> anyhow::Result<(Server, SocketAddr)> {
    // Free a moment ago; the log does not tell a port that the system chose for it.
    let metrics = std::net::TcpListener::bind(crate::LOOPBACK)?.local_addr()?;
    let listen = metrics.to_string();
    let mut serve = keylease(&["serve", "--master-key-file", key_file]);
    serve
        .args(["--log-format", "json", "--drain-delay", "0s"])
        .args(["--listen", "127.0.0.1:0", "--metrics-listen", &listen])
        .env("KEYLEASE_DATABASE_URL", url);
    Ok((Server::start(serve).await?, metrics))
}

async fn run(url: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = keylease(arguments);
    let output = command.env("KEYLEASE_DATABASE_URL", url).output().await?;
    if !output.status.success() {
        bail!(
            "keylease {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
