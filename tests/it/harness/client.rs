//! A caller: both services over one connection, with its token on every call.

use std::net::SocketAddr;

use keylease::proto::admin_service_client::AdminServiceClient;
use keylease::proto::lease_service_client::LeaseServiceClient;
use keylease::proto::{
    LeaseKeyRequest, LeaseKeyResponse, Outcome, ReportOutcomeRequest, ReportOutcomeResponse,
    Verdict,
};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::refusal::Refusal;

/// A caller.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) leases: LeaseServiceClient<Authorized>,
    pub(crate) admin: AdminServiceClient<Authorized>,
    /// For calls of a shape that neither service has.
    pub(crate) transport: Authorized,
}

/// A connection that carries a token.
pub(crate) type Authorized = InterceptedService<Channel, Bearer>;

/// Puts a token on every call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr, token: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Self::over(endpoint.connect().await.unwrap(), token)
    }

    /// Over a connection of any kind.
    pub(crate) fn over(channel: Channel, token: &str) -> Self {
        let bearer = Bearer(format!("Bearer {token}").parse().unwrap());
        let transport = InterceptedService::new(channel, bearer);
        Self {
            leases: LeaseServiceClient::new(transport.clone()),
            admin: AdminServiceClient::new(transport.clone()),
            transport,
        }
    }

    /// Asks for a lease.
    pub(crate) async fn ask(
        &self,
        request: impl tonic::IntoRequest<LeaseKeyRequest>,
    ) -> Result<LeaseKeyResponse, Status> {
        let answer = self.leases.clone().lease_key(request).await;
        answer.map(tonic::Response::into_inner)
    }

    /// Takes a lease of one use from a pool. It waits for a while, since the first reserve of a limit is slow on a busy machine.
    pub(crate) async fn lease(&self, pool: &str) -> LeaseKeyResponse {
        let max_wait = prost_types::Duration {
            seconds: 10,
            nanos: 0,
        };
        let request = LeaseKeyRequest {
            max_wait: Some(max_wait),
            ..of(pool)
        };
        self.ask(request).await.unwrap()
    }

    /// Asks for a lease that must not be given.
    pub(crate) async fn refused(&self, request: LeaseKeyRequest) -> Refusal {
        match self.ask(request).await {
            Ok(lease) => panic!("leased {}", lease.key),
            Err(status) => Refusal::of(&status),
        }
    }

    /// Sends a report.
    pub(crate) async fn tell(
        &self,
        report: ReportOutcomeRequest,
    ) -> Result<ReportOutcomeResponse, Status> {
        let answer = self.leases.clone().report_outcome(report).await;
        answer.map(tonic::Response::into_inner)
    }

    /// Reports the one outcome of a lease.
    pub(crate) async fn report(&self, lease: &LeaseKeyResponse, outcome: Outcome) -> Verdict {
        let answer = self.tell(reporting(lease, vec![outcome])).await.unwrap();
        assert_eq!(answer.verdicts.len(), 1);
        assert!(!answer.duplicate);
        answer.verdicts[0].clone()
    }
}

/// A request for one use of a key of a pool.
pub(crate) fn of(pool: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        pool: format!("pools/{pool}"),
        ..Default::default()
    }
}

/// The first report on a lease.
pub(crate) fn reporting(lease: &LeaseKeyResponse, outcomes: Vec<Outcome>) -> ReportOutcomeRequest {
    ReportOutcomeRequest {
        lease_id: lease.lease_id.clone(),
        outcomes,
        ..Default::default()
    }
}
