//! `keylease explain`: why each key of a pool would or would not be leased now.

use clap::Args;

use super::connect::ClientArgs;
use super::estimate::EstimateArgs;
use super::failure::Failure;
use super::{names, output};
use crate::proto::ExplainLeaseRequest;

mod render;

/// What the help ends with.
pub(crate) const HELP: &str = "\
Nothing is taken: no permit, no turn. What is told is what the replica that answers would do now; others hold permits and turns of
their own. Every caller may ask for itself; about others, an auditor, operator or administrator may.

Examples:
  keylease explain openai-prod --caller search
  keylease explain openai-prod --caller search --model gpt-4o --estimate-input 9000
  keylease explain openai-prod --caller search --json | jq -r '.keys[] | select(.eligible | not) | .key, .reasons[]'

Exit codes: 0 explained, whether or not a lease would be given; 1 refused or failed, 2 wrong usage, 3 server unreachable or caller not known.";

/// What would be asked for.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The pool, short (openai-prod) or full (pools/openai-prod)
    pool: String,
    /// The caller who would lease, short (search) or full [default: whose token this is]
    #[arg(long)]
    caller: Option<String>,
    /// The model the request would be for
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    #[command(flatten)]
    estimate: EstimateArgs,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Runs the verb.
pub(crate) async fn run(args: ExplainArgs) -> Result<(), Failure> {
    let caller = args.caller.as_deref().map(names::caller).transpose()?;
    let request = ExplainLeaseRequest {
        pool: names::pool(&args.pool)?,
        caller: caller.unwrap_or_default(),
        model: args.model.clone(),
        estimate: args.estimate.message(),
    };
    let answer = args.client.admin().await?.explain_lease(request).await?;
    output::show(args.client.json, &answer.into_inner(), render::explanation)
}
