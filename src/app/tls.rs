//! TLS of the server, tried before anything is bound: certificate and key are read, parsed, and found to belong together and to be
//! in date.

use std::{fs, path::Path, sync::Arc, time::SystemTime};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

use crate::crypto::Secret;

/// The configuration of a certificate chain and its key, both PEM. The key is passed as read, its path only to name it.
///
/// # Errors
/// Names the file, its variable and the remedy, and repeats nothing of the key.
pub fn server(
    certificate: &Path,
    key: &Path,
    key_text: &Secret,
) -> Result<Arc<ServerConfig>, String> {
    let chain = fs::read(certificate).map_err(|cause| {
        format!(
            "KEYLEASE_TLS_CERT_FILE names {}, which can't be read ({}): check the path and that this user may read it",
            certificate.display(),
            cause.kind()
        )
    })?;
    if !holds(&chain, "CERTIFICATE-----") {
        return Err(format!(
            "KEYLEASE_TLS_CERT_FILE names {}, which holds no PEM certificate (-----BEGIN CERTIFICATE-----)",
            certificate.display()
        ));
    }
    if !holds(key_text.expose(), "PRIVATE KEY-----") || holds(key_text.expose(), "ENCRYPTED") {
        return Err(format!(
            "KEYLEASE_TLS_KEY_FILE names {}, which holds no unencrypted PEM private key (-----BEGIN PRIVATE KEY-----)",
            key.display()
        ));
    }
    check_dates(&chain, certificate)?;
    identity(&chain, key_text).map(Arc::new).map_err(|cause| {
        format!(
            "KEYLEASE_TLS_CERT_FILE {} and KEYLEASE_TLS_KEY_FILE {} do not make a TLS identity ({cause}): check that the key is the \
             certificate's own",
            certificate.display(),
            key.display(),
        )
    })
}

/// Speaks HTTP/2 alone, by TLS 1.2 and 1.3, to whoever comes: callers prove who they are by their tokens.
fn identity(chain: &[u8], key: &Secret) -> Result<ServerConfig, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|cause| cause.to_string())?;
    // What the key's parser says may repeat a part of it.
    let key = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_| "the key can't be parsed".to_owned())?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|cause| cause.to_string())?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(config)
}

/// A server would serve an expired certificate and every client would refuse it: better to say so at the start.
fn check_dates(chain: &[u8], path: &Path) -> Result<(), String> {
    // What is no certificate at all is named by the identity that is made of it.
    let Ok(own) = CertificateDer::from_pem_slice(chain) else {
        return Ok(());
    };
    let Ok(own) = webpki::EndEntityCert::try_from(&own) else {
        return Ok(());
    };
    let usage = webpki::KeyUsage::server_auth();
    // Dates are judged first of all; that no authority is trusted here is what any certificate in date ends with.
    let verdict = own.verify_for_usage(&[], &[], &[], UnixTime::now(), usage, None, None);
    let (problem, at) = match verdict {
        Err(webpki::Error::CertExpired { not_after, .. }) => ("expired", not_after),
        Err(webpki::Error::CertNotValidYet { not_before, .. }) => {
            ("is not valid before", not_before)
        }
        Ok(_) | Err(_) => return Ok(()),
    };
    let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at.as_secs());
    Err(format!(
        "KEYLEASE_TLS_CERT_FILE names {}, which {problem} {}: clients would refuse it; renew it, or check this machine's clock",
        path.display(),
        humantime::format_rfc3339_seconds(at)
    ))
}

fn holds(text: &[u8], what: &str) -> bool {
    text.windows(what.len()).any(|part| part == what.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ended on 2021-01-01.
    const PAST: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBaDCCAQ6gAwIBAgIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAeFw0y\n\
MDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCWxvY2FsaG9z\n\
dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ5dVn/ifkTb9JXAtsYDV+4v/6s5\n\
Yw62Z+D/Tx6gvmhYfKZ5PZJIehmniguWNhSOXoNdnr2rkRfjnjv5sgmckf2jWDBW\n\
MBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAdBgNVHQ4EFgQUWflPUKsRtWAgyQepFgrW\n\
L/weNpEwHwYDVR0jBBgwFoAURtlvZsNXZgEH6CeC546//7CE97IwCgYIKoZIzj0E\n\
AwIDSAAwRQIhAJkuKYLZ7dEX14dBjSWhz5BC1K99jHr08jhX3JCAyjEvAiBanYQ/\n\
+CTL4QpoyJJ4bPIzmNyC7TcNOh8HorWLRrVChA==\n\
-----END CERTIFICATE-----\n\
";
    /// Begins on 2099-01-01.
    const FUTURE: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBbTCCARKgAwIBAgIBAjAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAiGA8y\n\
MDk5MDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAlsb2Nh\n\
bGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASSe5QVunwQ6MiXiJ+c86Je\n\
afecX3ig2DMtMynvKaFovLLMyZUBKNO9CAagEPkCMxvoKG1wWXo5xCAkBjUcD74D\n\
o1gwVjAUBgNVHREEDTALgglsb2NhbGhvc3QwHQYDVR0OBBYEFBJKqGfoSKjMfgQg\n\
kZUMRyolIII0MB8GA1UdIwQYMBaAFEbZb2bDV2YBB+gngueOv/+whPeyMAoGCCqG\n\
SM49BAMCA0kAMEYCIQDu0ArPjnkJQr0oJBnryRu5Bjmrnvc70k2urFlX/NJltAIh\n\
APO78UP4k27AkFGxXZDiVPnRlHug4M0cb+lePl6w6/kL\n\
-----END CERTIFICATE-----\n\
";

    #[test]
    fn a_certificate_out_of_date_is_refused_with_its_date() {
        for (chain, said) in [
            (PAST, "expired 2021-01-01T00:00:00Z"),
            (FUTURE, "is not valid before 2099-01-01T00:00:00Z"),
        ] {
            let problem = check_dates(chain.as_bytes(), Path::new("tls.crt")).unwrap_err();
            assert!(
                problem.contains("KEYLEASE_TLS_CERT_FILE names tls.crt"),
                "{problem}"
            );
            assert!(problem.contains(said), "{problem}");
        }
    }
}
