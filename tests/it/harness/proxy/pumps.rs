//! What carries bytes through a proxy: as they come, or message by message where a COMMIT is to be seen.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use super::Link;

pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    link: &Link,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16_384];
    loop {
        let read = from.read(&mut bytes).await?;
        link.delay().await;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..read]).await?;
    }
}

/// To a Postgres server: message by message, so that a COMMIT is seen.
pub(super) async fn ask(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    link: &Link,
    is_lost: &AtomicBool,
) -> std::io::Result<()> {
    // The first message has no kind.
    let first = message(&mut from, Vec::new()).await?;
    link.delay().await;
    to.write_all(&first).await?;
    loop {
        let kind = from.read_u8().await?;
        let message = message(&mut from, vec![kind]).await?;
        link.delay().await;
        if message[5..].eq_ignore_ascii_case(b"commit\0") && link.state.loses() {
            is_lost.store(true, Relaxed);
        }
        to.write_all(&message).await?;
    }
}

/// A length, itself included, and what it is the length of.
async fn message(
    from: &mut (impl AsyncRead + Unpin),
    mut message: Vec<u8>,
) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    message.extend(length.to_be_bytes());
    let start = message.len();
    message.resize(start + length as usize - 4, 0);
    from.read_exact(&mut message[start..]).await?;
    Ok(message)
}

/// From a Postgres server. Once the reply to a COMMIT is there it is committed: then the reply is dropped and the connection ends, at
/// once or only after a while in which its client waits.
pub(super) async fn reply(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    link: &Link,
    is_lost: &AtomicBool,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16_384];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            // A machine that has vanished closes nothing either.
            link.delay().await;
            return Ok(());
        }
        if is_lost.load(Relaxed) {
            let lost = link.state.lost.fetch_add(1, Relaxed);
            sleep(Duration::from_millis(lost % 3 * 400)).await;
            return Ok(());
        }
        link.delay().await;
        to.write_all(&bytes[..read]).await?;
    }
}
