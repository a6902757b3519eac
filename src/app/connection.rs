//! A connection that has a place inside, and little time until it has sent what it owes: whoever says nothing leaves.

use std::fmt;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::gate::Place;

/// In clear or within TLS.
pub(super) type Io = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A connection, its handshake done.
pub(super) struct Connection {
    io: Io,
    info: TcpConnectInfo,
    /// When its time is over, unless it has sent all it owes.
    deadline: Option<Pin<Box<Sleep>>>,
    owed: usize,
    // Last, so that the place is free once the socket is closed.
    _place: Place,
}

impl Connection {
    /// It must have sent `owed` bytes by the deadline; `usize::MAX` means that this is the end of its life, whatever it sends.
    pub(super) fn new(io: Io, place: Place, deadline: Instant, owed: usize) -> Self {
        let info = match &io {
            Either::Left(plain) => plain.connect_info(),
            Either::Right(tls) => tls.get_ref().0.connect_info(),
        };
        Self {
            io,
            info,
            deadline: Some(Box::pin(tokio::time::sleep_until(deadline))),
            owed,
            _place: place,
        }
    }

    fn sent(&mut self, bytes: usize) {
        self.owed = self.owed.saturating_sub(bytes);
        if self.owed == 0 {
            self.deadline = None;
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.info.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let is_late = |sleep: &mut Pin<Box<Sleep>>| sleep.as_mut().poll(cx).is_ready();
        if self.deadline.as_mut().is_some_and(is_late) {
            return Poll::Ready(Err(Error::from(ErrorKind::TimedOut)));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.sent(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
