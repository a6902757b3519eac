//! TLS of the server, tried before anything is bound: certificate and key are read, parsed, and found to belong together.

use std::{error::Error, fs, path::Path};

use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::crypto::Secret;

/// The configuration of a certificate chain and its key, both PEM. The key is passed as read, its path only to name it.
///
/// # Errors
/// Names the file, its variable and the remedy, and repeats nothing of the key.
pub fn server(
    certificate: &Path,
    key: &Path,
    key_text: &Secret,
) -> Result<ServerTlsConfig, String> {
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
    let config = ServerTlsConfig::new().identity(Identity::from_pem(chain, key_text.expose()));
    match Server::builder().tls_config(config.clone()) {
        Ok(_) => Ok(config),
        Err(cause) => Err(format!(
            "KEYLEASE_TLS_CERT_FILE {} and KEYLEASE_TLS_KEY_FILE {} do not make a TLS identity ({}): check that the key is the \
             certificate's own",
            certificate.display(),
            key.display(),
            innermost(&cause)
        )),
    }
}

fn holds(text: &[u8], what: &str) -> bool {
    text.windows(what.len()).any(|part| part == what.as_bytes())
}

fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
