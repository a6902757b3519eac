//! SIGINT and SIGTERM: the first asks for an orderly end, the second wants it at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As a shell reports a process that SIGINT ended.
const EXIT_AT_ONCE: i32 = 130;

/// A token that the first SIGINT or SIGTERM cancels; a second one ends the process at once. Both hold from this call on, so that a start
/// that hangs can be ended too.
///
/// # Errors
/// The system refused the handlers.
pub fn shutdown() -> io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = CancellationToken::new();
    let asked = shutdown.clone();
    tokio::spawn(async move {
        let name = next(&mut interrupt, &mut terminate).await;
        tracing::info!(signal = name, "shutting down; a second signal ends at once");
        asked.cancel();
        let name = next(&mut interrupt, &mut terminate).await;
        tracing::warn!(
            signal = name,
            "ending at once; what was reserved stays charged until its time is over"
        );
        std::process::exit(EXIT_AT_ONCE);
    });
    Ok(shutdown)
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
