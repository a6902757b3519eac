//! `keylease dev` at work: it is given one account, leased from, and its metrics are read.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};

use keylease::proto::{
    self, admin_service_client::AdminServiceClient, lease_service_client::LeaseServiceClient,
    limit, outcome,
};
use tonic::{Request, transport::Channel};

use super::{
    keys,
    postgres::new_folder,
    process::{command, kill},
};

/// `keylease dev` whose metrics can be read.
pub(crate) struct Observed {
    child: Child,
    folder: PathBuf,
    metrics: String,
    channel: Channel,
}

impl Observed {
    pub(crate) async fn start() -> Self {
        let folder = new_folder();
        let mut dev = command(&folder);
        let mut child = dev
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut first).unwrap();
        let metrics = first.split("metrics on ").nth(1).unwrap();
        let metrics = metrics.split(';').next().unwrap().to_owned();
        let address = fs::read_to_string(folder.join("address")).unwrap();
        let server = format!("http://{}", address.trim());
        let channel = Channel::from_shared(server).unwrap().connect_lazy();
        Self {
            child,
            folder,
            metrics,
            channel,
        }
    }

    fn ask<T>(&self, token: &str, message: T) -> Request<T> {
        let token = fs::read_to_string(self.folder.join(token)).unwrap();
        let mut request = Request::new(message);
        let value = format!("Bearer {}", token.trim()).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        request
    }

    /// An account of the pool `p` whose limit allows two requests a minute.
    pub(crate) async fn import(&self) {
        let limit = proto::Limit {
            dimension: proto::LimitDimension::Requests.into(),
            amount: 2,
            window: Some(limit::Window::Rolling(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            })),
            ..Default::default()
        };
        let account = proto::ImportedAccount {
            account_id: "a".to_owned(),
            account: Some(proto::Account {
                provider_profile: "openai".to_owned(),
                ..Default::default()
            }),
            keys: vec![proto::ImportedKey {
                key_id: "k".to_owned(),
                secret: Some(keys::secret("sk-metrics")),
                key: None,
            }],
            limits: vec![proto::ImportedLimit {
                limit_id: "requests".to_owned(),
                limit: Some(limit),
            }],
        };
        let pool = proto::ImportedPool {
            pool_id: "p".to_owned(),
            pool: Some(proto::Pool {
                members: vec![proto::PoolMember {
                    target: "accounts/a".to_owned(),
                    ..Default::default()
                }],
                ..Default::default()
            }),
        };
        let request = proto::ImportKeysRequest {
            accounts: vec![account],
            pools: vec![pool],
            ..Default::default()
        };
        let mut admin = AdminServiceClient::new(self.channel.clone());
        admin
            .import_keys(self.ask("admin.token", request))
            .await
            .unwrap();
    }

    pub(crate) async fn lease(
        &self,
        max_wait_seconds: i64,
    ) -> Result<proto::LeaseKeyResponse, tonic::Status> {
        self.lease_of("", max_wait_seconds).await
    }

    pub(crate) async fn lease_of(
        &self,
        account: &str,
        max_wait_seconds: i64,
    ) -> Result<proto::LeaseKeyResponse, tonic::Status> {
        let request = proto::LeaseKeyRequest {
            pool: "pools/p".to_owned(),
            account: account.to_owned(),
            max_wait: Some(prost_types::Duration {
                seconds: max_wait_seconds,
                nanos: 0,
            }),
            ..Default::default()
        };
        let mut leases = LeaseServiceClient::new(self.channel.clone());
        let leased = leases.lease_key(self.ask("lessee.token", request)).await;
        leased.map(tonic::Response::into_inner)
    }

    pub(crate) async fn report(&self, lease: proto::LeaseKeyResponse, result: outcome::Result) {
        let request = proto::ReportOutcomeRequest {
            lease_id: lease.lease_id,
            outcomes: vec![proto::Outcome {
                result: Some(result),
                latency: Some(prost_types::Duration {
                    seconds: 0,
                    nanos: 700_000_000,
                }),
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut leases = LeaseServiceClient::new(self.channel.clone());
        let reported = leases.report_outcome(self.ask("lessee.token", request));
        reported.await.unwrap();
    }

    /// Waits until a line of the page is this one.
    pub(crate) async fn shows(&self, line: &str) {
        self.shows_like(line, |shown| shown == line).await;
    }

    /// Waits until a series has counted something.
    pub(crate) async fn shows_some(&self, series: &str) {
        let some = |shown: &str| {
            let value = shown
                .strip_prefix(series)
                .and_then(|value| value.trim().parse().ok());
            value.is_some_and(|value: u64| value > 0)
        };
        self.shows_like(series, some).await;
    }

    /// The page as it is.
    pub(crate) async fn page(&self) -> String {
        let answer = reqwest::get(&self.metrics).await.unwrap();
        answer.text().await.unwrap()
    }

    async fn shows_like(&self, what: &str, is_like: impl Fn(&str) -> bool) {
        let mut page = String::new();
        for _ in 0..300 {
            page = self.page().await;
            if page.lines().any(&is_like) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        unreachable!("no {what} in {page}");
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        kill("-TERM", self.child.id());
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
