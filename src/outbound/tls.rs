//! TLS to others: TLS 1.2 or 1.3, HTTP/1.1, and a certificate of the host by an authority that is trusted.

use std::fmt;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// More authorities of one's own are a mistake.
const OWN_MAX: usize = 100;

/// Whom to believe that a host is who it says.
#[derive(Clone)]
pub struct Authorities(RootCertStore);

/// Why authorities of one's own are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Nothing in the file is a certificate.
    #[error("holds no certificate as PEM")]
    None,
    /// One of them is none.
    #[error("holds a certificate that cannot be read")]
    Malformed,
    /// There are too many.
    #[error("holds more than {OWN_MAX} certificates")]
    TooMany,
}

/// Those that Mozilla trusts: the list comes with the binary, so that every replica of a release has the same.
impl Default for Authorities {
    fn default() -> Self {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self(roots)
    }
}

impl Authorities {
    /// The same, and these, written as PEM: those of a private network.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn and(mut self, pem: &[u8]) -> Result<Self, AuthorityError> {
        let mut own = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| AuthorityError::Malformed)?;
            let added = self.0.add(certificate);
            added.map_err(|_| AuthorityError::Malformed)?;
            own += 1;
            if own > OWN_MAX {
                return Err(AuthorityError::TooMany);
            }
        }
        if own == 0 {
            return Err(AuthorityError::None);
        }
        Ok(self)
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

#[expect(clippy::expect_used, reason = "ring has ciphers of both versions")]
pub(super) fn trusting(authorities: &Authorities) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(authorities.0.clone())
        .with_no_client_auth();
    config.alpn_protocols.push(b"http/1.1".to_vec());
    TlsConnector::from(Arc::new(config))
}
