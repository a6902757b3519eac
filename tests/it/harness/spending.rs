//! What tests of spend lease, report and ask for.

use keylease::proto::{CostRow, GetCostRequest, LeaseKeyRequest, LeaseKeyResponse, Outcome, Usage};
use prost_types::Timestamp;

use super::client::{Client, of, reporting};
use super::cluster::Cluster;
use super::outcomes::success;

/// A cluster with the pool `p` of one account of OpenAI, a caller of it, and an administrator.
pub(crate) async fn spending(replicas: usize) -> (Cluster, Client, String) {
    let cluster = Cluster::of(replicas).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    (cluster, admin, token)
}

/// A request for so many uses of a model by a team.
pub(crate) fn asking(model: &str, team: &str, requests: i32) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        requests: Some(requests),
        tags: [("team".to_owned(), team.to_owned())].into(),
        ..of("p")
    }
}

pub(crate) fn using(input: i64, cached: i64, output: i64) -> Outcome {
    Outcome {
        usage: Some(Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: output,
            ..Default::default()
        }),
        ..success()
    }
}

/// The start of today.
pub(crate) fn today() -> Option<Timestamp> {
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Some(Timestamp {
        seconds: (seconds / 86_400 * 86_400).cast_signed(),
        nanos: 0,
    })
}

pub(crate) fn by(parts: &[&str]) -> GetCostRequest {
    GetCostRequest {
        start_time: today(),
        group_by: parts.iter().map(|part| (*part).to_owned()).collect(),
        ..Default::default()
    }
}

impl Client {
    pub(crate) async fn cost(&self, request: GetCostRequest) -> Vec<CostRow> {
        let answer = self.admin.clone().get_cost(request).await;
        answer.unwrap().into_inner().rows
    }

    /// Leases, and reports these outcomes there.
    pub(crate) async fn spend(
        &self,
        request: LeaseKeyRequest,
        outcomes: Vec<Outcome>,
    ) -> LeaseKeyResponse {
        let lease = self.ask(request).await.unwrap();
        self.tell(reporting(&lease, outcomes)).await.unwrap();
        lease
    }
}

/// The values of a group, its cost, its requests and those without a price.
pub(crate) fn told(row: &CostRow) -> (Vec<&str>, i64, i64, i64) {
    let values = row.group.values().map(String::as_str).collect();
    (values, row.cost_micros, row.requests, row.unpriced_requests)
}
