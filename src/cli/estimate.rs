//! What one use is expected to consume: the same flags for every verb that asks for leases.

use clap::Args;

use crate::proto::Estimate;

/// An estimate, a part each.
#[derive(Debug, Args)]
pub(crate) struct EstimateArgs {
    /// Input tokens of one use [default, with the other estimates: the pool's]
    #[arg(long, value_name = "TOKENS")]
    estimate_input: Option<i64>,
    /// Most output tokens of one use
    #[arg(long, value_name = "TOKENS")]
    estimate_output: Option<i64>,
    /// Cost of one use, in millionths of the currency unit
    #[arg(long, value_name = "MICROS")]
    estimate_cost_micros: Option<i64>,
}

impl EstimateArgs {
    /// As the contract has it; `None` if no part was given.
    pub(crate) fn message(&self) -> Option<Estimate> {
        let given = [
            self.estimate_input,
            self.estimate_output,
            self.estimate_cost_micros,
        ];
        given.iter().any(Option::is_some).then(|| Estimate {
            input_tokens: self.estimate_input.unwrap_or(0),
            output_tokens_max: self.estimate_output.unwrap_or(0),
            cost_micros: self.estimate_cost_micros.unwrap_or(0),
        })
    }
}
