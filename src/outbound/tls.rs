//! TLS to others: TLS 1.2 or 1.3, HTTP/1.1, and a certificate of the host by an authority that browsers trust.

use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Trusts what Mozilla trusts: the list comes with the binary, so that every replica of a release has the same.
pub(super) fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    trusting(roots)
}

#[expect(clippy::expect_used, reason = "ring has ciphers of both versions")]
pub(super) fn trusting(roots: RootCertStore) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols.push(b"http/1.1".to_vec());
    TlsConnector::from(Arc::new(config))
}
