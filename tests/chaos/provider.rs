//! The provider, as a process of its own: it notes every request that comes, and answers it a little later.
//!
//! Its first line of output is its address, each other line an arrival: when it came, and when its caller says that it was started.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::arrivals::Arrival;
use super::children::say;
use super::clock;

/// What it knows of its world.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// The only key that it accepts.
    pub(crate) key: String,
    /// How long it works on an answer.
    pub(crate) latency: Duration,
}

/// The header that says when a request was started.
pub(crate) const STARTED: &str = "x-started-nanos: ";

/// The longest head of a request.
const HEAD_BYTES_MAX: usize = 4_096;

/// Serves until its input closes.
pub(crate) async fn serve(orders: Orders) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    say(&listener.local_addr().unwrap().to_string());
    let orders: &'static Orders = Box::leak(Box::new(orders));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // A caller that was killed leaves its connection broken, which is nothing to the provider.
        tokio::spawn(async move { answer(stream, orders).await.ok() });
    }
}

async fn answer(mut stream: TcpStream, orders: &Orders) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    loop {
        head.clear();
        let mut at = Duration::ZERO;
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD_BYTES_MAX {
                return Ok(());
            }
            // Of the first byte.
            if at == Duration::ZERO {
                at = clock::now();
            }
        }
        let head = String::from_utf8_lossy(&head);
        assert!(
            head.contains(&format!("Bearer {}\r\n", orders.key)),
            "a request without the key"
        );
        let started = head.lines().find_map(|line| line.strip_prefix(STARTED));
        say(&format!("{} {}", at.as_nanos(), started.unwrap()));
        tokio::time::sleep(orders.latency).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await?;
    }
}

/// An arrival, as the provider says it.
pub(crate) fn parse(line: &str) -> Arrival {
    let (at, started) = line.split_once(' ').unwrap();
    let moment = |nanos: &str| Duration::from_nanos(nanos.parse().unwrap());
    Arrival {
        at: moment(at),
        started: moment(started),
    }
}
