//! `keylease renew`: a lease goes on, as a service with a long stream would have it.

use clap::Args;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::{flags, output, words};
use crate::proto::{RenewLeaseRequest, RenewLeaseResponse};

/// What the help ends with.
pub(crate) const HELP: &str = "\
Renew before the lease has ended: an answer that comes later is void. Its permits of concurrency limits stay held until it is reported.

Example: keylease renew LEASE_ID --lease-duration 5m";

/// Which lease.
#[derive(Debug, Args)]
pub struct RenewArgs {
    /// The lease's id, as `lease` printed it
    #[arg(allow_hyphen_values = true)]
    lease_id: String,
    /// How much longer, from now: 1s to 24h, and less where a limit of concurrency says so [default: as long as it was given for]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    lease_duration: Option<prost_types::Duration>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Runs the verb.
pub(crate) async fn run(args: RenewArgs) -> Result<(), Failure> {
    let request = RenewLeaseRequest {
        lease_id: args.lease_id,
        lease_duration: args.lease_duration,
    };
    let mut vault = args.client.lease(std::time::Duration::ZERO).await?;
    let answer = vault.renew_lease(request).await?.into_inner();
    output::show(args.client.json, &answer, render)
}

fn render(answer: &RenewLeaseResponse) -> String {
    let within = words::proto_duration(answer.report_within.as_ref());
    output::details(&[("report within", within)])
}
