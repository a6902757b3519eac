//! Clients that connect and say nothing hold no place for long, and never all files of the process.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::harness::client::Client;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::postgres::new_folder;

/// Of `localhost`, its own authority, in date for as long as anybody will run this.
const CERTIFICATE: &str = include_str!("../data/tls.crt");
const KEY: &str = include_str!("../data/tls.key");
/// What a client has for its greeting, and what a busy machine may add.
const GREETING: std::ops::Range<Duration> = Duration::from_secs(8)..Duration::from_secs(25);
/// The first words of HTTP/2, and settings of no length.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

async fn with(variables: &[(&str, &str)]) -> Cluster {
    let mut cluster = Cluster::of(0).await;
    cluster.add_with(variables).await;
    cluster
}

/// With TLS.
async fn sealed() -> Cluster {
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for (name, text) in [("tls.crt", CERTIFICATE), ("tls.key", KEY)] {
        let mut options = fs::OpenOptions::new();
        let file = options.create_new(true).write(true).mode(0o600);
        let mut file = file.open(path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    let cluster = with(&[
        ("KEYLEASE_TLS_CERT_FILE", &path("tls.crt")),
        ("KEYLEASE_TLS_KEY_FILE", &path("tls.key")),
    ])
    .await;
    fs::remove_dir_all(folder).unwrap();
    cluster
}

/// Reads until the server closes, and how long that took.
async fn closed_after(mut stream: impl AsyncReadExt + Unpin) -> Duration {
    let began = Instant::now();
    let mut heard = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(40), stream.read_to_end(&mut heard));
    // A server that gives up may cut the connection off.
    let _ = read.await.expect("the server keeps it open");
    began.elapsed()
}

async fn connected(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// A connection whose TLS handshake is done.
async fn in_tls(address: SocketAddr) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let own = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    roots.add(own).unwrap();
    let config = ClientConfig::builder();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols.push(b"h2".to_vec());
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let connected = connector.connect(name, connected(address).await).await;
    connected.unwrap()
}

#[tokio::test]
async fn who_says_nothing_is_sent_away_and_who_greets_may_stay() {
    let cluster = with(&[]).await;
    let address = cluster.replicas[0].address;
    let silent = closed_after(connected(address).await);
    let mut slow = connected(address).await;
    slow.write_all(&HELLO[..10]).await.unwrap();
    let mut greeted = connected(address).await;
    greeted.write_all(HELLO).await.unwrap();
    let (silent, slow) = tokio::join!(silent, closed_after(slow));
    assert!(GREETING.contains(&silent), "{silent:?}");
    assert!(GREETING.contains(&slow), "{slow:?}");
    let mut heard = [0; 9];
    greeted.read_exact(&mut heard).await.unwrap();
    let more = tokio::time::timeout(Duration::from_secs(2), closed_after(greeted));
    assert!(more.await.is_err(), "a client that greeted was sent away");
}

#[tokio::test]
async fn within_tls_the_handshake_and_the_greeting_have_one_deadline() {
    let cluster = sealed().await;
    let address = cluster.replicas[0].address;
    let silent = closed_after(connected(address).await);
    let ungreeting = closed_after(in_tls(address).await);
    let (silent, ungreeting) = tokio::join!(silent, ungreeting);
    assert!(GREETING.contains(&silent), "{silent:?}");
    assert!(GREETING.contains(&ungreeting), "{ungreeting:?}");

    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(CERTIFICATE));
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", address.port())).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    let admin = Client::over(channel, &cluster.admin_token);
    admin.create_account_and_key("a").await;
}

#[tokio::test]
async fn when_all_places_are_taken_more_are_closed_at_once_and_the_silent_make_room() {
    let cluster = with(&[("KEYLEASE_CONNECTIONS_MAX", "16")]).await;
    let replica = &cluster.replicas[0];
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(connected(replica.address).await);
    }
    let inside = async || {
        let inside = replica.metric("keylease_connections{listener=\"grpc\"}");
        inside.await == Some(16.0)
    };
    eventually("the silent are inside", inside).await;
    for _ in 0..3 {
        let refused = closed_after(connected(replica.address).await).await;
        assert!(refused < Duration::from_secs(5), "{refused:?}");
    }
    // They are counted a moment after they are closed.
    let refused = "keylease_connections_refused_total{listener=\"grpc\"}";
    let refused = async || replica.metric(refused).await == Some(3.0);
    eventually("each is counted", refused).await;
    let said = || {
        let said = replica.said();
        said.matches("all places for connections are taken").count()
    };
    eventually("a line is in the log", async || said() > 0).await;
    assert_eq!(said(), 1, "one line in ten seconds");

    for connection in silent {
        closed_after(connection).await;
    }
    cluster.admin().await.create_account_and_key("a").await;
}

#[tokio::test]
async fn connections_never_take_the_files_of_everything_else() {
    let mut cluster = Cluster::of(0).await;
    cluster.add_with_files(260).await;
    let replica = &cluster.replicas[0];
    let warns = async || {
        let said = replica.said();
        said.contains("the limit of open files leaves no room")
    };
    eventually("it says that the files are few", warns).await;
    let mut crowd = Vec::new();
    for _ in 0..400 {
        crowd.push(connected(replica.address).await);
    }
    let refused = "keylease_connections_refused_total{listener=\"grpc\"}";
    let refused = async || replica.metric(refused).await > Some(300.0);
    eventually("the crowd is refused", refused).await;
    assert!(!replica.said().contains("connections cannot be accepted"));
    drop(crowd);
    cluster.admin().await.create_account_and_key("a").await;
}
