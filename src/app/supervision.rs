//! Workers are watched: a round that panics has failed and is tried again, and a worker that ends unasked ends the replica.

use std::future::Future;
use std::time::Duration;

use anyhow::bail;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// One round of a worker, in a task of its own: what panics in it does not end the worker. Dropped, it is cancelled.
pub(super) async fn round<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    AbortOnDropHandle::new(tokio::spawn(work)).await
}

/// The rounds of a worker: one at once, then one every so often. What was missed is not made up for.
pub(super) fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Until the next round. False once the worker is to end.
pub(super) async fn is_next(ticks: &mut Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        () = stop.cancelled() => false,
    }
}

/// Waits for the end of every worker. The first that ends before `stop` says so by `failed`: without it the replica would go on as if
/// all were well, on what it knew then.
pub(super) async fn supervise(
    mut workers: JoinSet<()>,
    stop: CancellationToken,
    failed: CancellationToken,
) {
    while let Some(ended) = workers.join_next().await {
        let cause = match ended {
            Ok(()) if stop.is_cancelled() => continue,
            Ok(()) => "it returned".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::error!(cause, "a worker ended unasked, so this replica ends");
        failed.cancel();
    }
}

/// Until somebody asks for the end, or a worker is gone.
pub(super) async fn until(shutdown: impl Future<Output = ()>, failed: CancellationToken) {
    tokio::select! {
        () = shutdown => {}
        () = failed.cancelled() => {}
    }
}

/// How it all ended: with an error where a worker was gone, so that whoever started the process starts it again.
pub(super) fn verdict(failed: &CancellationToken) -> anyhow::Result<()> {
    if failed.is_cancelled() {
        bail!("a worker ended unasked, the log says why");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    async fn failed_by(worker: impl Future<Output = ()> + Send + 'static) -> bool {
        let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
        let mut workers = JoinSet::new();
        let asked = stop.clone();
        workers.spawn(async move { asked.cancelled().await });
        workers.spawn(worker);
        let supervised = tokio::spawn(supervise(workers, stop.clone(), failed.clone()));
        let ends = until(std::future::pending(), failed.clone());
        let is_told = timeout(Duration::from_millis(300), ends).await.is_ok();
        stop.cancel();
        supervised.await.unwrap();
        assert_eq!(verdict(&failed).is_err(), is_told);
        is_told
    }

    #[tokio::test]
    async fn a_worker_that_panics_or_returns_unasked_ends_the_replica_with_an_error() {
        assert!(failed_by(async { panic!("a worker") }).await);
        assert!(failed_by(async {}).await);
    }

    #[tokio::test]
    async fn workers_that_end_when_asked_to_do_not() {
        assert!(!failed_by(tokio::time::sleep(Duration::from_millis(600))).await);
    }

    #[tokio::test]
    async fn a_round_that_panics_has_failed() {
        assert!(round(async { panic!("a round") }).await.is_err());
        assert_eq!(round(async { 1 }).await.unwrap(), 1);
    }
}
