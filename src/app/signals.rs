//! SIGINT and SIGTERM: the first asks for an orderly end, the second wants it at once.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// As a shell reports a process that SIGINT ended.
const EXIT_AT_ONCE: i32 = 130;

/// A future that resolves at the first SIGINT or SIGTERM. From then on a second one ends the process at once.
///
/// The handlers are installed by this call, so that no signal is lost before the future is polled.
///
/// # Errors
/// The system refused the handlers.
pub fn shutdown() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        let name = next(&mut interrupt, &mut terminate).await;
        tracing::info!(signal = name, "shutting down; a second signal ends at once");
        tokio::spawn(async move {
            let name = next(&mut interrupt, &mut terminate).await;
            tracing::warn!(
                signal = name,
                "ending at once; what was reserved stays charged until its time is over"
            );
            std::process::exit(EXIT_AT_ONCE);
        });
    })
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
