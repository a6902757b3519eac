//! Figures of one run.

use std::time::Duration;

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
