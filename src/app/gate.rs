//! The gate of a socket: so many connections may be inside at once, and no more. What comes to a full house is closed at once, so that
//! nobody waits for a place that does not come, and so that files are left for the database and for the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::live::seldom::Seldom;
use crate::metric_names;

/// Until the next try where the system has no file or no memory left for a connection: without a pause the loop would take a core.
const PAUSE: Duration = Duration::from_millis(200);

/// A socket and the places behind it.
#[derive(Debug)]
pub(super) struct Gate {
    listener: TcpListener,
    /// What it is called in metrics and logs.
    name: &'static str,
    places: Arc<Semaphore>,
    places_max: usize,
    inside: Gauge,
    refused: Counter,
    full: Seldom,
    failed: Seldom,
}

/// A place behind the gate, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    inside: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    /// Of a socket that is bound.
    pub(super) fn new(listener: TcpListener, name: &'static str, places_max: usize) -> Self {
        let inside = gauge!(metric_names::CONNECTIONS, "listener" => name);
        let refused = counter!(metric_names::CONNECTIONS_REFUSED, "listener" => name);
        // So that the page shows them from the start on.
        inside.increment(0.0);
        refused.increment(0);
        Self {
            listener,
            name,
            places: Arc::new(Semaphore::new(places_max)),
            places_max,
            inside,
            refused,
            full: Seldom::default(),
            failed: Seldom::default(),
        }
    }

    /// The socket.
    pub(super) const fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// The next connection that there is a place for.
    pub(super) async fn next(&self) -> (TcpStream, Place) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => match Arc::clone(&self.places).try_acquire_owned() {
                    Ok(permit) => return (stream, self.place(permit)),
                    Err(_) => self.refuse(stream),
                },
                // It went away before we took it.
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if self.failed.is_due() {
                        tracing::error!(%error, listener = self.name, "connections cannot be accepted, the next try is in {PAUSE:?}");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        self.inside.increment(1.0);
        Place {
            inside: self.inside.clone(),
            _permit: permit,
        }
    }

    fn refuse(&self, stream: TcpStream) {
        drop(stream);
        self.refused.increment(1);
        if self.full.is_due() {
            tracing::warn!(
                listener = self.name,
                connections.max = self.places_max,
                "all places for connections are taken, new ones are closed: see keylease_connections_refused_total, and raise \
                 KEYLEASE_CONNECTIONS_MAX if the listener is grpc and these are callers"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inside.decrement(1.0);
    }
}

/// What accept says of a connection and not of the machine.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_place_that_is_left_is_taken_again_and_a_full_house_closes_what_comes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Gate::new(listener, "grpc", 1);
        let _first = TcpStream::connect(address).await.unwrap();
        let inside = gate.next().await;
        let mut second = TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        tokio::select! {
            _ = gate.next() => panic!("there was a place for a second one"),
            read = second.read(&mut byte) => assert!(matches!(read, Ok(0) | Err(_))),
        }
        drop(inside);
        let _third = TcpStream::connect(address).await.unwrap();
        gate.next().await;
    }
}
