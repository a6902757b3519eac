//! A cluster whose keys are probed at a provider of the test's own.

use std::time::Duration;

use keylease::proto::{
    ClearHealthRequest, GetKeyVersionRequest, HealthPolicy, KeyVersion, Pool, ProbeKeyRequest,
    ProbeKeyResponse,
};
use sqlx::AssertSqlSafe;
use tonic::Status;

use super::asked::Asked;
use super::client::Client;
use super::cluster::{Cluster, eventually};
use super::setup::of_targets;

/// Longer than several rounds, in which nothing that was not due may happen.
pub(crate) const A_WHILE: Duration = Duration::from_millis(3_500);

/// A cluster with the account `a` at a provider, its key `k`, and the pool `p` of it.
pub(crate) struct Probed {
    pub(crate) cluster: Cluster,
    pub(crate) admin: Client,
    pub(crate) caller: Client,
    pub(crate) provider: Asked,
}

impl Probed {
    /// Of so many replicas; the key's secret is this, and the pool has it probed or not.
    pub(crate) async fn start(replicas: usize, secret: &str, is_probed: bool) -> Self {
        Self::start_with(replicas, secret, is_probed, "").await
    }

    /// The same, with rules of the pool's own.
    pub(crate) async fn start_with(
        replicas: usize,
        secret: &str,
        is_probed: bool,
        rules: &str,
    ) -> Self {
        let provider = Asked::start().await;
        let cluster = Cluster::of(replicas).await;
        let admin = cluster.admin().await;
        admin.create_account("a", &provider.base_url()).await;
        admin.create_key("a", "k", secret).await;
        let pool = Pool {
            health_policy: Some(HealthPolicy {
                probe_enabled: is_probed,
                ..Default::default()
            }),
            failure_rules: rules.to_owned(),
            ..of_targets(&["a"])
        };
        admin.create_pool_of("p", pool).await;
        let token = admin.create_lessee("search", "p").await;
        let caller = cluster.client(0, &token).await;
        let probed = Self {
            cluster,
            admin,
            caller,
            provider,
        };
        if is_probed {
            let is_planned = async || probed.version().await.next_probe_time.is_some();
            eventually("the probe is planned", is_planned).await;
        }
        probed
    }

    /// The key's first version.
    pub(crate) async fn version(&self) -> KeyVersion {
        let request = GetKeyVersionRequest {
            name: "accounts/a/keys/k/versions/1".to_owned(),
        };
        let answer = self.admin.admin.clone().get_key_version(request).await;
        answer.unwrap().into_inner().key_version.unwrap()
    }

    /// Asks for a probe.
    pub(crate) async fn ask(&self) -> Result<ProbeKeyResponse, Status> {
        let request = ProbeKeyRequest {
            name: "accounts/a/keys/k".to_owned(),
            reason: "a look".to_owned(),
        };
        let answer = self.admin.admin.clone().probe_key(request).await;
        answer.map(tonic::Response::into_inner)
    }

    /// The time of the next probe has come, once the one before it is done with.
    pub(crate) async fn make_due(&self) {
        let due = "update probes set next_time = clock_timestamp() where claimed_by is null";
        let is_due = async || self.sql(due).await == 1;
        eventually("no probe is under way", is_due).await;
    }

    /// A person says that the key is well.
    pub(crate) async fn clear_health(&self) {
        let request = ClearHealthRequest {
            name: "accounts/a/keys/k".to_owned(),
            ..Default::default()
        };
        let cleared = self.admin.admin.clone().clear_health(request).await;
        cleared.unwrap();
    }

    /// Until the provider has been asked about a key so often.
    pub(crate) async fn asked(&self, secret: &str, times: usize) {
        let is_asked = async || self.provider.times(secret) >= times;
        eventually("the provider is asked", is_asked).await;
    }

    /// Runs a statement; answers how many rows it changed.
    pub(crate) async fn sql(&self, statement: &str) -> u64 {
        let pool = &self.cluster.database.pool;
        let done = sqlx::query(AssertSqlSafe(statement)).execute(pool).await;
        done.unwrap().rows_affected()
    }
}
