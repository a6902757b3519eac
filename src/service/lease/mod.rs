//! `LeaseService`: parse, call the vault, convert.

mod deadline;
mod lease_id;
pub(super) mod lease_key;
mod lease_message;
mod renew_lease;
mod report_outcome;
mod usage;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::auth;
use super::convert::duration;
use super::status;
use crate::live::clock::boot_now;
use crate::proto;
use crate::proto::lease_service_server::LeaseService;
use crate::vault::Vault;

/// The lease service of one replica.
#[derive(Debug, Clone)]
pub struct Leases {
    vault: Arc<Vault>,
}

impl Leases {
    /// The lease service over a vault.
    #[must_use]
    pub const fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }
}

#[tonic::async_trait]
impl LeaseService for Leases {
    async fn lease_key(
        &self,
        request: Request<proto::LeaseKeyRequest>,
    ) -> Result<Response<proto::LeaseKeyResponse>, Status> {
        let received = boot_now();
        let (metadata, extensions, message) = request.into_parts();
        let identity = auth::identity_of(&extensions).map_err(|r| status::of_refusal(&r))?;
        let deadline = deadline::deadline(&metadata, received);
        let call = lease_key::parse(message, received, deadline).map_err(status::of_error)?;
        match self.vault.lease_key(&identity.bearer, &call).await {
            Ok(lease) => Ok(Response::new(lease_message::message(lease))),
            Err(refusal) => {
                lease_key::count(&call, &refusal);
                let now = self.vault.live().now().database;
                Err(status::of_lease_refusal(&refusal, now))
            }
        }
    }

    async fn report_outcome(
        &self,
        request: Request<proto::ReportOutcomeRequest>,
    ) -> Result<Response<proto::ReportOutcomeResponse>, Status> {
        let identity = auth::identity(&request)
            .map_err(|r| status::of_refusal(&r))?
            .clone();
        let (report, unsupported) =
            report_outcome::parse(request.into_inner()).map_err(status::of_error)?;
        let reported = self
            .vault
            .report_outcome(&identity.bearer.caller, &report)
            .await;
        let reported = reported.map_err(|refusal| status::of_report_refusal(&refusal))?;
        let message = report_outcome::message(reported, unsupported);
        Ok(Response::new(message))
    }

    async fn renew_lease(
        &self,
        request: Request<proto::RenewLeaseRequest>,
    ) -> Result<Response<proto::RenewLeaseResponse>, Status> {
        let identity = auth::identity(&request)
            .map_err(|r| status::of_refusal(&r))?
            .clone();
        let call = renew_lease::parse(request.into_inner()).map_err(status::of_error)?;
        let renewed = self.vault.renew_lease(&identity.bearer.caller, &call).await;
        let report_within = renewed.map_err(|refusal| status::of_renew_refusal(&refusal))?;
        Ok(Response::new(proto::RenewLeaseResponse {
            report_within: Some(duration(report_within)),
        }))
    }
}
