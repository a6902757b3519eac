//! Figures of one run.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Map, Value};

use crate::bounds::Bounds;
use crate::say;

/// The middle one; of an even number the upper of the two.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Rounded, for JSON.
pub(crate) fn rounded(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// Microseconds of a core per call.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn micros_per_call(cpu: Duration, calls: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / calls as f64
}

/// Calls that take about so long at this rate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are positive and small"
)]
pub(crate) fn calls_of(rate: f64, seconds: f64) -> u64 {
    (rate * seconds).max(1_000.0) as u64
}

/// The longest that one figure takes, its set-up included: a busy machine must not hold up the others.
const FIGURE_MAX: Duration = Duration::from_mins(10);

/// What was measured, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    found: Map<String, Value>,
    missing: Map<String, Value>,
}

impl Figures {
    /// Measures one more. What fails, or takes too long, is missing.
    pub(crate) async fn measure(
        &mut self,
        name: &str,
        figure: impl Future<Output = anyhow::Result<Value>>,
    ) {
        let figure = tokio::time::timeout(FIGURE_MAX, figure).await;
        let figure = figure.unwrap_or_else(|_| bail!("not measured within {FIGURE_MAX:?}"));
        match figure {
            Ok(figure) => {
                self.found.insert(name.to_owned(), figure);
            }
            Err(error) => {
                say(&format!("missing: {name}: {error:#}"));
                let why = Value::String(format!("{error:#}"));
                self.missing.insert(name.to_owned(), why);
            }
        }
    }

    /// What figures of the whole have to reach.
    pub(crate) fn bounded(&mut self, bounds: Bounds) {
        self.found.insert("bounds".to_owned(), bounds.told());
    }

    /// Says all of them on one line.
    ///
    /// # Errors
    /// Names what is missing.
    pub(crate) fn tell(mut self) -> anyhow::Result<()> {
        let missing: Vec<String> = self.missing.keys().cloned().collect();
        if !missing.is_empty() {
            self.found
                .insert("missing".to_owned(), Value::Object(self.missing));
        }
        say(&Value::Object(self.found).to_string());
        anyhow::ensure!(missing.is_empty(), "not measured: {}", missing.join(", "));
        Ok(())
    }
}
