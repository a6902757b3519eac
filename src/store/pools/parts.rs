//! Parts of a pool that have several columns.

use super::PoolRow;
use crate::domain::journal::Journaling;
use crate::domain::pool::{Estimate, HealthPolicy, VerdictPolicy};
use crate::store::Result;
use crate::store::convert::{Reading, millis};

impl PoolRow {
    pub(super) fn health_policy(&self, reading: Reading) -> Result<HealthPolicy> {
        let threshold = self.failure_threshold;
        Ok(HealthPolicy {
            dead_ttl: millis(self.dead_ttl_ms),
            unhealthy_ttl: millis(self.unhealthy_ttl_ms),
            failure_threshold: threshold
                .map(|n| reading.number("failure_threshold", n))
                .transpose()?,
            probe_enabled: self.probe_enabled,
            probe_interval: millis(self.probe_interval_ms),
            verdicts: match self.verdicts.as_deref() {
                Some(name) => reading.known("verdicts", VerdictPolicy::from_stored(name))?,
                None => VerdictPolicy::default(),
            },
            quarantine: millis(self.quarantine_ms),
            recovery_ramp: millis(self.recovery_ramp_ms),
            healthy_keys_min: self
                .healthy_keys_min
                .map(|n| reading.number("healthy_keys_min", n))
                .transpose()?,
        })
    }

    pub(super) fn journaling(&self, reading: Reading) -> Result<Journaling> {
        match self.journal.as_deref() {
            Some(name) => reading.known("journal", Journaling::from_stored(name)),
            None => Ok(Journaling::default()),
        }
    }

    /// Three columns that are all null or all set.
    pub(super) fn estimate(&self, reading: Reading) -> Result<Option<Estimate>> {
        let columns = self
            .estimate_input_tokens
            .zip(self.estimate_output_tokens)
            .zip(self.estimate_cost_micros);
        let Some(((input, output), cost)) = columns else {
            return Ok(None);
        };
        Ok(Some(Estimate {
            input_tokens: reading.number("estimate_input_tokens", input)?,
            output_tokens: reading.number("estimate_output_tokens", output)?,
            // A cost of nothing is what the contract has where nobody says.
            cost_micros: Some(reading.number("estimate_cost_micros", cost)?)
                .filter(|cost| *cost > 0),
        }))
    }
}
