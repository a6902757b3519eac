//! The generated contract, `keylease.v1`, and the `Debug` of the messages that carry secrets.
#![allow(
    clippy::all,
    clippy::too_many_lines,
    reason = "generated code, which may or may not trip each lint"
)]

use std::fmt;

pub mod unbuilt;

tonic::include_proto!("keylease.v1");

/// The file descriptors, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

/// What stands in the place of a secret.
const REDACTED: &str = "redacted";

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("secret", &REDACTED)
            .finish()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("name", &self.name)
            .field("value", &REDACTED)
            .finish()
    }
}

impl fmt::Debug for QueryParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryParameter")
            .field("name", &self.name)
            .field("value", &REDACTED)
            .finish()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl fmt::Debug for CreateTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTokenResponse")
            .field("token", &self.token)
            .field("text", &REDACTED)
            .finish()
    }
}

impl fmt::Debug for SetRotatorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetRotatorResponse")
            .field("rotator", &self.rotator)
            .field("signing_secret", &REDACTED)
            .finish()
    }
}

impl fmt::Debug for HttpResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResult")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body", &REDACTED)
            .finish()
    }
}

impl fmt::Debug for TransportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportFailure")
            .field("kind", &self.kind)
            .field("detail", &REDACTED)
            .finish()
    }
}
