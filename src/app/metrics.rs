//! Metrics: one recorder for the process, and an HTTP page of it for Prometheus.

use std::{future::Future, time::Duration};

use super::gate::Gate;
use super::incoming::{READERS_MAX, Readers};
use crate::metric_names::{self, Kind};
use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use tokio::net::TcpListener;

/// Histograms count into these, in seconds: a lease from memory takes some 50 µs, a wait in a queue up to 30 s.
const BUCKETS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0,
    30.0,
];
/// The same of uses at providers: half a second for a small answer, minutes for a long stream.
const UPSTREAM_BUCKETS: [f64; 11] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0,
];
/// How often samples are folded into their histograms, which would otherwise grow until somebody reads them.
const FOLD_EVERY: Duration = Duration::from_secs(1);
/// What Prometheus calls its text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The process's recorder. The first call installs it, and describes every metric.
///
/// # Errors
/// Another recorder has been installed.
pub fn recorder() -> Result<PrometheusHandle, BuildError> {
    // Held while installing, since two servers of one process may start at once.
    static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut recorder = RECORDER.lock();
    if let Some(handle) = &*recorder {
        return Ok(handle.clone());
    }
    let upstream = Matcher::Full(metric_names::UPSTREAM_SECONDS.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .set_buckets_for_metric(upstream, &UPSTREAM_BUCKETS)?
        .install_recorder()?;
    describe();
    *recorder = Some(handle.clone());
    Ok(handle)
}

/// Serves `/metrics`, where it is to be served, until `shutdown` resolves.
///
/// # Errors
/// The listener failed, or there is another recorder.
pub(super) async fn serve(
    listener: Option<TcpListener>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let Some(listener) = listener else {
        return Ok(());
    };
    let readers = Readers(Gate::new(listener, "metrics", READERS_MAX));
    let handle = recorder()?;
    let fold = fold(handle.clone());
    let page = get(move || async move { ([(CONTENT_TYPE, TEXT)], handle.render()) });
    let router = Router::new().route("/metrics", page);
    let serve = axum::serve(readers, router).with_graceful_shutdown(shutdown);
    tokio::select! {
        served = serve => Ok(served?),
        () = fold => Ok(()),
    }
}

async fn fold(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(FOLD_EVERY).await;
        // A busy second leaves a hundred thousand samples: no call waits behind them.
        let handle = handle.clone();
        let folded = tokio::task::spawn_blocking(move || handle.run_upkeep());
        if folded.await.is_err() {
            tracing::error!(
                "samples could not be folded into their histograms, which grow until /metrics is read"
            );
        }
    }
}

fn describe() {
    for metric in metric_names::ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, Unit::Seconds, metric.help),
        }
    }
    gauge!(metric_names::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
