//! Tests of `outbound.rs`, against servers that do what none should.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// A server that answers every connection with these bytes, then goes on with `more` for as long as somebody reads, or with nothing.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: &[u8], more: &[u8], pause: Duration) -> Self {
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

    async fn saying(answer: &[u8]) -> Self {
        Self::start(answer, b"", Duration::ZERO).await
    }

    fn url(&self, host: &str) -> Url {
        let port = self.address.port();
        Url::parse(&format!("http://{host}:{port}/v1/models?limit=1")).unwrap()
    }
}

async fn serve(
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

fn pinned(name: &str, addresses: &[&str]) -> Names {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Names::Pinned(Arc::new(HashMap::from([(name.to_owned(), addresses)])))
}

async fn get(url: Url) -> Result<Answer, OutboundError> {
    let request = Request::get(url, true).with_header("authorization", b"Bearer sk-x");
    let outbound = Outbound::new(Upstreams::LoopbackToo);
    outbound.send(request.unwrap()).await
}

#[tokio::test]
async fn a_request_carries_what_was_asked_and_no_more() {
    let server = Server::saying(OK).await;
    let answer = get(server.url("127.0.0.1")).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"{}"[..]));
    assert_eq!(
        answer.headers,
        [("content-length".to_owned(), b"2".to_vec())]
    );
    let heard = server.heard.lock().concat();
    let mut lines: Vec<&str> = heard.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "GET /v1/models?limit=1 HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    let agent = concat!("user-agent: keylease/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: application/json, */*;q=0.5",
            "authorization: Bearer sk-x",
            "connection: close",
            &host,
            agent
        ]
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::saying(OK).await;
    let to = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\n\r\n",
        elsewhere.address
    );
    let server = Server::saying(to.as_bytes()).await;
    assert_eq!(get(server.url("127.0.0.1")).await.unwrap().status, 307);
    assert_eq!(server.heard.lock().len(), 1);
    assert!(elsewhere.heard.lock().is_empty());
}

#[tokio::test]
async fn plain_http_is_refused_unless_it_is_allowed() {
    let server = Server::saying(OK).await;
    let outbound = Outbound::new(Upstreams::LoopbackToo);
    let refused = outbound.send(Request::get(server.url("127.0.0.1"), false));
    assert_eq!(refused.await.unwrap_err(), OutboundError::PlainHttp);
    assert!(server.heard.lock().is_empty());
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_it_has() {
    let server = Server::saying(OK).await;
    for (addresses, upstreams) in [
        (&["169.254.169.254"][..], Upstreams::LoopbackToo),
        (&["127.0.0.1", "169.254.169.254"], Upstreams::LoopbackToo),
        (&["fe80::1"], Upstreams::LoopbackToo),
        (&["::ffff:169.254.169.254"], Upstreams::LoopbackToo),
        (&["100.100.100.200"], Upstreams::LoopbackToo),
        (&["0.0.0.0"], Upstreams::LoopbackToo),
        (&["127.0.0.1"], Upstreams::Remote),
        (&["::1"], Upstreams::Remote),
        (&["::ffff:127.0.0.1"], Upstreams::Remote),
    ] {
        let outbound = Outbound::with_names(upstreams, pinned("api.example.com", addresses));
        let request = Request::get(server.url("api.example.com"), true);
        let refused = outbound.send(request).await.unwrap_err();
        let is_forbidden = matches!(refused, OutboundError::Forbidden(_));
        assert!(is_forbidden, "{addresses:?}: {refused:?}");
    }
    let names = pinned("api.example.com", &["127.0.0.1"]);
    let outbound = Outbound::with_names(Upstreams::LoopbackToo, names);
    let request = Request::get(server.url("api.example.com"), true);
    assert_eq!(outbound.send(request).await.unwrap().status, 200);
    assert_eq!(server.heard.lock().len(), 1);
}

#[tokio::test]
async fn localhost_is_refused_by_what_the_system_says_of_it() {
    let server = Server::saying(OK).await;
    let outbound = Outbound::new(Upstreams::Remote);
    let request = Request::get(server.url("localhost"), true);
    let refused = outbound.send(request).await.unwrap_err();
    assert!(matches!(refused, OutboundError::Forbidden(_)));
    assert!(server.heard.lock().is_empty());
}

#[tokio::test]
async fn a_body_without_end_is_read_as_far_as_anybody_looks() {
    let head = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 10485760\r\n\r\n";
    let server = Server::start(head, &[b'x'; 65536], Duration::ZERO).await;
    let answer = get(server.url("127.0.0.1")).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (401, BODY_BYTES_MAX));
}

#[tokio::test]
async fn header_bombs_and_what_is_not_http_are_no_answers() {
    let many = "x-a: b\r\n".repeat(HEADERS_MAX + 1);
    let long = format!("x-a: {}\r\n", "b".repeat(4 * BUFFER_BYTES_MAX));
    for answer in [
        format!("HTTP/1.1 401 Unauthorized\r\n{many}\r\n"),
        format!("HTTP/1.1 401 Unauthorized\r\n{long}\r\n"),
        "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\n\r\n{".to_owned(),
        String::new(),
    ] {
        let server = Server::saying(answer.as_bytes()).await;
        let refused = get(server.url("127.0.0.1")).await.unwrap_err();
        assert_eq!(refused, OutboundError::Unreadable, "{answer}");
    }
    // One header line that never ends.
    let server = Server::start(b"HTTP/1.1 401 No\r\nx: ", &[b'y'; 4096], Duration::ZERO).await;
    let refused = get(server.url("127.0.0.1")).await.unwrap_err();
    assert_eq!(refused, OutboundError::Unreadable);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_as_they_are() {
    let answer = b"HTTP/1.1 401 \xff\xfe\r\nx-a: \xc3\x28\r\ncontent-length: 3\r\n\r\n\xff\xfe\xfd";
    let server = Server::saying(answer).await;
    let answer = get(server.url("127.0.0.1")).await.unwrap();
    assert_eq!(answer.body, b"\xff\xfe\xfd");
    assert_eq!(answer.headers[0].1, b"\xc3\x28");
}

#[tokio::test]
async fn a_server_that_drips_or_says_nothing_is_left_in_time() {
    let began = Instant::now();
    let head = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 4000\r\n\r\n";
    let drips = Server::start(head, b"x", Duration::from_millis(200)).await;
    let silent = Server::start(b"", b"", Duration::ZERO).await;
    // It takes connections and never reads.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", deaf.local_addr().unwrap())).unwrap();
    let (dripped, _, deaf) = tokio::join!(
        get(drips.url("127.0.0.1")),
        get(silent.url("127.0.0.1")),
        get(url)
    );
    assert_eq!(dripped.unwrap_err(), OutboundError::Timeout);
    assert_eq!(deaf.unwrap_err(), OutboundError::Timeout);
    let took = began.elapsed();
    assert!(
        took >= ANSWER_WITHIN && took < ANSWER_WITHIN * 2,
        "{took:?}"
    );
}

#[tokio::test]
async fn nobody_there_and_no_name_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_eq!(get(url).await.unwrap_err(), OutboundError::Unreachable);
    let outbound = Outbound::with_names(Upstreams::Remote, pinned("a.example", &[]));
    for url in ["https://a.example/", "https://b.example/"] {
        let request = Request::get(Url::parse(url).unwrap(), false);
        let refused = outbound.send(request).await.unwrap_err();
        assert_eq!(refused, OutboundError::Unresolved);
    }
}

/// A TLS server with the certificate of `localhost` that tests have.
async fn tls_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let chain = CertificateDer::from_pem_slice(include_bytes!("../../tests/data/tls.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../tests/data/tls.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let noting = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, Arc::clone(&noting), OK, b"", Duration::ZERO).await;
            }
        }
    });
    (address, heard)
}

#[tokio::test]
async fn tls_is_spoken_with_whom_the_certificate_is_of_and_nobody_else() {
    let (address, heard) = tls_server().await;
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_slice(include_bytes!("../../tests/data/tls.crt"));
    roots.add(own.unwrap()).unwrap();
    let names = ["localhost", "other.example"].map(|name| (name.to_owned(), vec![address.ip()]));
    let names = Names::Pinned(Arc::new(HashMap::from(names)));
    let trusting = Outbound {
        way: Way::new(Upstreams::LoopbackToo, names.clone(), tls::trusting(roots)),
    };
    let get = |host: &str| {
        let url = format!("https://{host}:{}/v1/models", address.port());
        Request::get(Url::parse(&url).unwrap(), false)
    };
    assert_eq!(trusting.send(get("localhost")).await.unwrap().status, 200);
    assert_eq!(trusting.send(get("127.0.0.1")).await.unwrap().status, 200);
    let refused = trusting.send(get("other.example")).await.unwrap_err();
    assert_eq!(refused, OutboundError::Untrusted);
    let ordinary = Outbound::with_names(Upstreams::LoopbackToo, names);
    let refused = ordinary.send(get("localhost")).await.unwrap_err();
    assert_eq!(refused, OutboundError::Untrusted);
    assert_eq!(heard.lock().len(), 2);
}

#[tokio::test]
async fn nothing_of_a_request_or_an_answer_is_printed() {
    let url = Url::parse("https://hooks.example/services/T0/canary").unwrap();
    let request = Request::post(url, false, "application/json", b"canary".to_vec());
    let request = request.with_header("x-api-key", b"canary").unwrap();
    assert_eq!(format!("{request:?}"), "Request(POST, redacted)");
    let refused = request.with_header("x-api-key", b"canary\n").unwrap_err();
    assert!(!format!("{refused:?} {refused}").contains("canary"));
    let answer = Answer {
        status: 403,
        headers: vec![],
        body: b"canary".to_vec(),
    };
    assert_eq!(format!("{answer:?}"), "Answer(403, redacted)");
}
