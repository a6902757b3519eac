//! A vault that tells people of its alerts.

use std::time::Duration;

use keylease::proto::{self, Alert, AlertKind};

use super::client::Client;
use super::cluster::{Cluster, eventually_some};
use super::outcomes::http;
use super::receivers::{Heard, Receivers};

/// Longer than a replica takes to see a condition, and to send what it told before.
pub(crate) const A_WHILE: Duration = Duration::from_secs(8);

/// A vault of so many replicas that send to these, with a pool `p` of the accounts `a` and `b`.
pub(crate) async fn telling(
    receivers: &Receivers,
    replicas: usize,
    log: &'static str,
) -> (Cluster, Client) {
    let mut cluster = Cluster::logging(0, log).await;
    let variables = receivers.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    for _ in 0..replicas {
        cluster.add_with(&variables).await;
    }
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_pool("p", &["a", "b"]).await;
    (cluster, admin)
}

/// All alerts, or those that are open.
pub(crate) async fn alerts(admin: &Client, open_only: bool) -> Vec<Alert> {
    let request = proto::ListAlertsRequest {
        open_only,
        ..Default::default()
    };
    let answer = admin.admin.clone().list_alerts(request).await;
    answer.unwrap().into_inner().alerts
}

/// Waits for an open alert of a kind.
pub(crate) async fn opened(admin: &Client, kind: AlertKind) -> Alert {
    let find = async || {
        let alerts = alerts(admin, true).await;
        alerts.into_iter().find(|alert| alert.kind() == kind)
    };
    eventually_some(kind.as_str_name(), find).await
}

/// The provider rejects the key that a pool leases now.
pub(crate) async fn kill(cluster: &Cluster, admin: &Client, pool: &str) -> String {
    admin.trust_callers(pool).await;
    let token = admin.create_token("search").await.text;
    let caller = cluster.client(0, &token).await;
    let lease = caller.lease(pool).await;
    caller.report(&lease, http(401, &[])).await;
    lease.key
}

/// How many messages are of this kind and event.
pub(crate) fn of_kind(heard: &[Heard], kind: &str, event: &str) -> usize {
    let bodies = heard.iter().map(Heard::json);
    bodies
        .filter(|body| body["kind"] == kind && body["event"] == event)
        .count()
}
