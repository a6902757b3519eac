//! What comes in by the gates: connections of gRPC, greeted before tonic sees them, and of the page of metrics.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;

use super::connection::{Connection, Io};
use super::gate::{Gate, Place};

/// How long a client may take for its TLS handshake and for the first words of HTTP/2, together. From then on the server asks whether it
/// is still there.
const GREETING_MAX: Duration = Duration::from_secs(10);
/// The first words of a client, `PRI * HTTP/2.0…`, by RFC 9113.
const PREFACE_BYTES: usize = 24;
/// How long a connection to the page of metrics lasts, which has no such question: whoever keeps it open opens another.
const PAGE_MAX: Duration = Duration::from_mins(2);
/// Greeted connections that tonic has not taken yet; more wait in their own tasks.
const WAITING_MAX: usize = 16;

/// Connections to the page of metrics and to the health checks, at once, each: readers and probes are few.
pub(super) const READERS_MAX: usize = 64;

/// Connections of gRPC.
pub(super) type Incoming = ReceiverStream<io::Result<Connection>>;

/// Connections that have spoken TLS, where it is spoken, each in its own time. Dropped, it closes the socket.
pub(super) fn greeted(gate: Gate, tls: Option<Arc<ServerConfig>>) -> Incoming {
    let (out, incoming) = mpsc::channel(WAITING_MAX);
    let tls = tls.map(TlsAcceptor::from);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                (stream, place) = gate.next() => {
                    tokio::spawn(greet(stream, place, tls.clone(), out.clone()));
                }
                () = out.closed() => return,
            }
        }
    });
    ReceiverStream::new(incoming)
}

async fn greet(
    stream: TcpStream,
    place: Place,
    tls: Option<TlsAcceptor>,
    out: mpsc::Sender<io::Result<Connection>>,
) {
    let deadline = Instant::now() + GREETING_MAX;
    match tokio::time::timeout_at(deadline, handshake(stream, tls)).await {
        Ok(Ok(io)) => {
            let greeted = Connection::new(io, place, deadline, PREFACE_BYTES);
            // Nobody takes it while the server ends.
            let _ = out.send(Ok(greeted)).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a client did not come through its handshake"),
        Err(_) => tracing::debug!("a client took too long for its handshake"),
    }
}

async fn handshake(stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Io> {
    stream.set_nodelay(true)?;
    match tls {
        Some(tls) => Ok(Either::Right(Box::new(tls.accept(stream).await?))),
        None => Ok(Either::Left(stream)),
    }
}

/// Connections to the page of metrics.
#[derive(Debug)]
pub(super) struct Readers(pub(super) Gate);

impl axum::serve::Listener for Readers {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let (stream, place) = self.0.next().await;
            // It has gone already where its address cannot be told.
            if let Ok(address) = stream.peer_addr() {
                let deadline = Instant::now() + PAGE_MAX;
                let io = Either::Left(stream);
                return (Connection::new(io, place, deadline, usize::MAX), address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.listener().local_addr()
    }
}
