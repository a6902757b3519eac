//! A caller's connections to the provider: a request starts with its first byte on a connection that stands, and the time is looked at
//! there and nowhere else.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use keylease::proto::Credential;
use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::clock;
use super::provider::STARTED;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It started at this moment and was answered.
    Answered(Duration),
    /// It may have started, and nothing is known of it.
    Lost,
    /// It would have started too late.
    Late,
}

/// Connections that stand.
#[derive(Debug)]
pub(crate) struct Upstream {
    provider: SocketAddr,
    idle: Mutex<Vec<TcpStream>>,
}

impl Upstream {
    pub(crate) fn new(provider: SocketAddr) -> Self {
        Self {
            provider,
            idle: Mutex::default(),
        }
    }

    /// Sends a request with the credential of a lease, if that can still start.
    pub(crate) async fn send(&self, credential: &Credential, start_by: Duration) -> Sent {
        let Ok(mut stream) = self.connection().await else {
            return Sent::Late;
        };
        let mut head = String::from("GET /v1/models HTTP/1.1\r\nhost: provider\r\n");
        for header in &credential.headers {
            head.push_str(&format!("{}: {}\r\n", header.name, header.value));
        }
        head.push_str(STARTED);
        let started = clock::now();
        if started >= start_by {
            self.idle.lock().push(stream);
            return Sent::Late;
        }
        head.push_str(&format!("{}\r\n\r\n", started.as_nanos()));
        // The kernel takes it all at once: nothing else is under way on this connection.
        if stream.try_write(head.as_bytes()).ok() != Some(head.len()) {
            return Sent::Lost;
        }
        match answer(&mut stream).await {
            Ok(()) => {
                self.idle.lock().push(stream);
                Sent::Answered(started)
            }
            Err(_) => Sent::Lost,
        }
    }

    async fn connection(&self) -> io::Result<TcpStream> {
        if let Some(stream) = self.idle.lock().pop() {
            return Ok(stream);
        }
        let stream = TcpStream::connect(self.provider).await?;
        stream.set_nodelay(true)?;
        stream.writable().await?;
        Ok(stream)
    }
}

async fn answer(stream: &mut TcpStream) -> io::Result<()> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}
