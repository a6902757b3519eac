//! A server that says what it is told to, HTTP or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// A server that answers every connection with these bytes, then goes on with `more` for as long as somebody reads, or with nothing.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn start(answer: &[u8], more: &[u8], pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (noting, answer, more) = (Arc::clone(&heard), answer.to_vec(), more.to_vec());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (noting, answer, more) = (Arc::clone(&noting), answer.clone(), more.clone());
                tokio::spawn(async move { serve(stream, noting, &answer, &more, pause).await });
            }
        });
        Self { address, heard }
    }

    pub(super) async fn saying(answer: &[u8]) -> Self {
        Self::start(answer, b"", Duration::ZERO).await
    }

    pub(super) fn url(&self, host: &str) -> Url {
        let port = self.address.port();
        Url::parse(&format!("http://{host}:{port}/v1/models?limit=1")).unwrap()
    }
}

pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    heard: Arc<Mutex<Vec<String>>>,
    answer: &[u8],
    more: &[u8],
    pause: Duration,
) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let Ok(read @ 1..) = stream.read(&mut bytes).await else {
            return;
        };
        request.extend_from_slice(&bytes[..read]);
    }
    heard
        .lock()
        .push(String::from_utf8_lossy(&request).into_owned());
    // Whoever asked may have gone by now.
    let _ = stream.write_all(answer).await;
    while !more.is_empty() && stream.write_all(more).await.is_ok() {
        tokio::time::sleep(pause).await;
    }
}
