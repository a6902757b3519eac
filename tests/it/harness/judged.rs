//! A pool of one key, and how well the key is.

use std::time::{Duration, SystemTime};

use keylease::proto::{self, HealthPolicy, HealthState, LeaseKeyRequest, Pool, Verdict};

use super::client::{Client, of};
use super::cluster::Cluster;
use super::outcomes::success;
use super::setup::{of_targets, span};

/// Rules by which a pool says of a 418 that nobody can name it.
pub(crate) const NAMELESS: &str =
    "version = 1\n[[rule]]\nid = \"nameless\"\nstatus = [\"418\"]\nclass = \"unknown\"\n";

/// A cluster with the pool `p` of the account `a`, whose one key is `k`, judged by this policy and [`NAMELESS`].
pub(crate) async fn judged_by(policy: HealthPolicy) -> (Cluster, Client, Client) {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let pool = Pool {
        health_policy: Some(policy),
        failure_rules: NAMELESS.to_owned(),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    (cluster, admin, caller)
}

/// Verdicts that last a second, and two failures in a row that make one.
pub(crate) fn brief() -> HealthPolicy {
    let second = span(Duration::from_secs(1));
    HealthPolicy {
        dead_ttl: Some(second),
        unhealthy_ttl: Some(second),
        quarantine: Some(second),
        recovery_ramp: Some(span(Duration::ZERO)),
        failure_threshold: 2,
        ..Default::default()
    }
}

/// One caller's word is enough to find a key dead.
pub(crate) fn trusting() -> HealthPolicy {
    HealthPolicy {
        verdicts: proto::VerdictPolicy::Trust.into(),
        ..Default::default()
    }
}

/// A caller of another key of the same provider: while it succeeds there, the provider is well.
pub(crate) struct Peer(Client);

impl Peer {
    /// One in a cluster whose first replica is to hear of it.
    pub(crate) async fn of(cluster: &Cluster) -> Self {
        let admin = cluster.admin().await;
        admin.create_account_and_key("peer").await;
        admin.create_pool("peers", &["peer"]).await;
        let token = admin.create_lessee("peer", "peers").await;
        cluster.settled().await;
        Self(cluster.client(0, &token).await)
    }

    /// It does.
    pub(crate) async fn succeeds(&self) {
        let lease = self.0.lease("peers").await;
        self.0.report(&lease, success()).await;
    }
}

impl Client {
    /// From now on one caller's word is enough to find a key of this pool dead.
    pub(crate) async fn trust_callers(&self, pool: &str) {
        let request = proto::UpdatePoolRequest {
            pool: Some(Pool {
                name: format!("pools/{pool}"),
                health_policy: Some(trusting()),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["health_policy".to_owned()],
            }),
            ..Default::default()
        };
        self.admin.clone().update_pool(request).await.unwrap();
    }
}

/// The health that a verdict shows.
pub(crate) fn state(verdict: &Verdict) -> HealthState {
    verdict.health.as_ref().unwrap().state()
}

/// Waits in line for a lease, as long as one may.
pub(crate) fn patient() -> LeaseKeyRequest {
    LeaseKeyRequest {
        max_wait: Some(span(Duration::from_secs(50))),
        ..of("p")
    }
}

/// What the pool's key is, by the status.
pub(crate) async fn health(admin: &Client) -> proto::Health {
    let status = admin.status("p").await;
    status.keys[0].versions[0].health.clone().unwrap()
}

/// How long it lasts yet.
pub(crate) fn until(health: &proto::Health) -> Duration {
    let until = SystemTime::try_from(health.until.unwrap()).unwrap();
    until.duration_since(SystemTime::now()).unwrap_or_default()
}
