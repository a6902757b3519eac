//! Several callers of one provider with several keys, on every replica, and what befalls all of them at once.

use std::time::Duration;

use keylease::proto::{Incident, IncidentKind, LeaseKeyResponse, Outcome};

use super::client::{Client, of};
use super::cluster::Cluster;

/// The accounts of the pool `p`, each with one key of the same provider.
pub(crate) const ACCOUNTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A cluster with the pool `p`, and callers who lease from it.
pub(crate) struct Crowd {
    pub(crate) cluster: Cluster,
    pub(crate) admin: Client,
    tokens: Vec<String>,
}

impl Crowd {
    /// So many callers, on so many replicas.
    pub(crate) async fn of(callers: usize, replicas: usize) -> Self {
        Self::on(Cluster::of(replicas).await, callers).await
    }

    /// The same, on the replicas of this cluster.
    pub(crate) async fn on(cluster: Cluster, callers: usize) -> Self {
        let admin = cluster.admin().await;
        for account in ACCOUNTS {
            admin.create_account_and_key(account).await;
        }
        admin.create_pool("p", &ACCOUNTS).await;
        let mut tokens = Vec::new();
        for caller in 0..callers {
            tokens.push(admin.create_lessee(&format!("c{caller}"), "*").await);
        }
        cluster.settled().await;
        Self {
            cluster,
            admin,
            tokens,
        }
    }

    /// A caller, at a replica.
    pub(crate) async fn caller(&self, caller: usize, replica: usize) -> Client {
        self.cluster.client(replica, &self.tokens[caller]).await
    }

    /// What befalls many of the pool's keys, as a replica knows it.
    pub(crate) async fn incidents(&self, replica: usize) -> Vec<Incident> {
        let admin = self.cluster.client(replica, &self.cluster.admin_token);
        admin.await.status("p").await.incidents
    }

    /// What befalls them of this kind, as the first replica knows it.
    pub(crate) async fn incident(&self, kind: IncidentKind) -> Option<Incident> {
        let incidents = self.incidents(0).await;
        incidents
            .into_iter()
            .find(|incident| incident.kind() == kind)
    }
}

/// Whoever of them asks, in turn, until it is given a lease.
pub(crate) async fn first_lease(clients: &[Client]) -> (usize, LeaseKeyResponse) {
    for place in (0..clients.len()).cycle() {
        if let Ok(lease) = clients[place].ask(of("p")).await {
            return (place, lease);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!()
}

/// As many leases, taken before anything is reported.
pub(crate) async fn leases(client: &Client, count: usize) -> Vec<LeaseKeyResponse> {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(client.ask(of("p")).await.unwrap());
    }
    leases
}

/// Reports the same of each.
pub(crate) async fn report_all(client: &Client, leases: &[LeaseKeyResponse], outcome: &Outcome) {
    for lease in leases {
        client.report(lease, outcome.clone()).await;
    }
}
