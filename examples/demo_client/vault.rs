//! The vault as the client sees it: lease a key, report what became of it.

use std::time::Duration;

use anyhow::Context;
use keylease::proto::lease_service_client::LeaseServiceClient;
use keylease::proto::outcome::Result as OutcomeResult;
use keylease::proto::{
    Advice, Credential, LeaseKeyRequest, LeaseKeyResponse, Outcome, ReportOutcomeRequest, Usage,
};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::bearer::Bearer;
use crate::clock;

/// How long a call may stand in line for a permit.
const WAIT_MAX: Duration = Duration::from_millis(1500);

/// The deadline of every call. The server answers before it.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to pause where a refusal does not say.
const PAUSE: Duration = Duration::from_millis(500);

/// A connection to the vault.
#[derive(Debug, Clone)]
pub(crate) struct Vault {
    client: LeaseServiceClient<InterceptedService<Channel, Bearer>>,
    pool: String,
}

/// A key for one upstream request.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) credential: Credential,
    /// When the call for it was sent; `start_by` counts from there.
    pub(crate) sent: Duration,
    pub(crate) start_by: Duration,
    /// How long the answer took.
    pub(crate) took: Duration,
}

/// Why there is no lease.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Not now; this long is worth waiting.
    Pause(Duration),
    /// Anything else.
    Fault(Status),
}

impl Vault {
    /// Connects with the token in a file.
    pub(crate) async fn connect(
        server: String,
        token_file: &std::path::Path,
        pool: String,
    ) -> anyhow::Result<Self> {
        // Without a scheme http is meant, as everywhere.
        let server = if server.contains("://") {
            server
        } else {
            format!("http://{server}")
        };
        let channel = Endpoint::from_shared(server)?
            .timeout(CALL_TIMEOUT)
            .connect()
            .await
            .context("cannot connect to the vault")?;
        let client = LeaseServiceClient::with_interceptor(channel, Bearer::read(token_file)?);
        Ok(Self { client, pool })
    }

    /// Leases a key for one request. `retry_token` is empty or from the advice of a report.
    pub(crate) async fn lease(&self, retry_token: String) -> Result<Lease, Refusal> {
        let request = LeaseKeyRequest {
            pool: self.pool.clone(),
            max_wait: prost_types::Duration::try_from(WAIT_MAX).ok(),
            retry_token,
            ..LeaseKeyRequest::default()
        };
        let sent = clock::now();
        let answer = self.client.clone().lease_key(request).await;
        let took = clock::now().saturating_sub(sent);
        match answer {
            Ok(answer) => lease(answer.into_inner(), sent, took).map_err(Refusal::Fault),
            Err(status) => Err(refusal(status)),
        }
    }

    /// Reports what became of the one use of a lease. Answers the advice, if there is any.
    pub(crate) async fn report(
        &self,
        lease: &Lease,
        result: OutcomeResult,
        usage: Option<Usage>,
        started: Duration,
    ) -> Result<Option<Advice>, Status> {
        let span = |span: Duration| prost_types::Duration::try_from(span).ok();
        let sent = !matches!(result, OutcomeResult::NotSent(_));
        let outcome = Outcome {
            count: Some(1),
            result: Some(result),
            usage,
            latency: span(clock::now().saturating_sub(started)).filter(|_| sent),
            started_after: span(started.saturating_sub(lease.sent)).filter(|_| sent),
        };
        let request = ReportOutcomeRequest {
            lease_id: lease.id.clone(),
            sequence: 0,
            outcomes: vec![outcome],
            r#final: true,
        };
        let answer = self.client.clone().report_outcome(request).await?;
        let verdict = answer.into_inner().verdicts.into_iter().next();
        Ok(verdict.and_then(|verdict| verdict.advice))
    }
}

fn lease(answer: LeaseKeyResponse, sent: Duration, took: Duration) -> Result<Lease, Status> {
    let credential = answer.credential;
    let start_within = answer.start_within.and_then(|span| span.try_into().ok());
    match (credential, start_within) {
        (Some(credential), Some(start_within)) => {
            let within: Duration = start_within;
            Ok(Lease {
                id: answer.lease_id,
                credential,
                sent,
                start_by: sent + within,
                took,
            })
        }
        _ => Err(Status::internal(
            "a lease without credential or start_within",
        )),
    }
}

/// A refusal that names a time is worth waiting for, whatever its code: a database that is slow to answer is UNAVAILABLE.
fn refusal(status: Status) -> Refusal {
    let stated = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    match (stated, status.code()) {
        (Some(delay), _) => Refusal::Pause(delay),
        (None, Code::ResourceExhausted) => Refusal::Pause(PAUSE),
        (None, _) => Refusal::Fault(status),
    }
}
