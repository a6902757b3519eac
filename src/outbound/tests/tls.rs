//! Who is spoken with by TLS.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};
use url::Url;

use super::server::{OK, serve};
use crate::domain::endpoint::upstreams::Upstreams;
use crate::outbound::{Authorities, AuthorityError, Names, Outbound, OutboundError, Request};

/// A TLS server with the certificate of `localhost` that tests have.
async fn tls_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let chain =
        CertificateDer::from_pem_slice(include_bytes!("../../../tests/data/tls.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../tests/data/tls.key")).unwrap();
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
    let own = include_bytes!("../../../tests/data/tls.crt");
    let authorities = Authorities::default().and(own).unwrap();
    let names = ["localhost", "other.example"].map(|name| (name.to_owned(), vec![address.ip()]));
    let names = Names::Pinned(Arc::new(HashMap::from(names)));
    let trusting = Outbound::trusting(Upstreams::LoopbackToo, names.clone(), &authorities);
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

#[test]
fn a_file_without_a_certificate_is_no_authority() {
    let and = |pem: &str| Authorities::default().and(pem.as_bytes()).err();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (pem, error) in [
        ("", AuthorityError::None),
        ("certificate", AuthorityError::None),
        (broken, AuthorityError::Malformed),
    ] {
        assert_eq!(and(pem), Some(error), "{pem}");
    }
}
