//! How the client reaches the vault: server, token, TLS, deadline. The same flags for every verb.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use super::address::{is_loopback, server_uri};
use super::failure::{Failure, causes};
use super::role::{Role, no_token};
use super::secret::{read_bounded, without_line_end};
use super::variables::{given, path_or_empty, switch};
use crate::proto::admin_service_client::AdminServiceClient;
use crate::proto::lease_service_client::LeaseServiceClient;

/// Reaching a server takes milliseconds, or does not happen.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Where the token is, for messages.
const TOKEN_FILE: &str = "--token-file or KEYLEASE_TOKEN_FILE";
/// A token has about 80 bytes.
const TOKEN_FILE_BYTES_MAX: u64 = 1024;
/// The largest bundles of a system's certificates have about 250 KiB.
const CA_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A page of 1,000 resources with labels passes tonic's 4 MiB.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How to reach the vault, and how to print what it answers.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection and output")]
pub struct ClientArgs {
    /// The server, http://… or https://…; without a scheme http is meant, and without both port 7600
    #[arg(long, global = true, value_name = "URL", env = "KEYLEASE_SERVER")]
    #[arg(default_value = "http://127.0.0.1:7600")]
    pub(crate) server: String,
    /// File that holds the caller's token (kl_…); it wins over the variable KEYLEASE_TOKEN, which may hold the token itself
    #[arg(long, global = true, value_name = "FILE", env = "KEYLEASE_TOKEN_FILE")]
    #[arg(value_parser = path_or_empty())]
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file of the authorities to trust; https needs it (the system's own: /etc/ssl/certs/ca-certificates.crt on Debian)
    #[arg(long, global = true, value_name = "FILE", env = "KEYLEASE_CA_FILE")]
    #[arg(value_parser = path_or_empty())]
    pub(crate) ca_file: Option<PathBuf>,
    /// Send the token, and receive keys, in clear to a server that is not on this machine
    #[arg(long, global = true, env = "KEYLEASE_INSECURE_PLAINTEXT")]
    #[arg(value_parser = switch)]
    pub(crate) insecure_plaintext: bool,
    /// Give up after this time, such as 500ms or 30s, beside what a lease is to wait in line
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s")]
    #[arg(value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    /// Print JSON: proto messages with snake_case names, durations as "1.5s", times as RFC 3339; errors too, also of usage, on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Puts token and deadline on every call.
#[derive(Clone)]
pub(crate) struct Credentials {
    bearer: MetadataValue<Ascii>,
    deadline: Option<Duration>,
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.bearer.clone());
        Ok(request)
    }
}

type Transport = InterceptedService<Channel, Credentials>;
/// A client of admin verbs.
pub(crate) type Admin = AdminServiceClient<Transport>;

impl ClientArgs {
    /// Connects for admin verbs.
    pub(crate) async fn admin(&self) -> Result<Admin, Failure> {
        let transport = self
            .transport(Some(self.deadline), Role::Administrator)
            .await?;
        Ok(AdminServiceClient::new(transport).max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// Connects for a stream that goes on until somebody ends it.
    pub(crate) async fn admin_stream(&self) -> Result<Admin, Failure> {
        Ok(AdminServiceClient::new(
            self.transport(None, Role::Administrator).await?,
        ))
    }

    /// Connects for leases; `wait` is time the server may take on purpose.
    pub(crate) async fn lease(
        &self,
        wait: Duration,
    ) -> Result<LeaseServiceClient<Transport>, Failure> {
        let deadline = Some(self.deadline.saturating_add(wait));
        let transport = self.transport(deadline, Role::Lessee).await?;
        Ok(LeaseServiceClient::new(transport))
    }

    async fn transport(
        &self,
        deadline: Option<Duration>,
        role: Role,
    ) -> Result<Transport, Failure> {
        let endpoint = self.endpoint()?;
        let bearer = self.bearer(std::env::var("KEYLEASE_TOKEN").ok(), role)?;
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| Failure::Unreachable(causes(&error)))?;
        let credentials = Credentials { bearer, deadline };
        Ok(InterceptedService::new(channel, credentials))
    }

    /// The endpoint, unless it would show the token to whoever listens on the way.
    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let uri = server_uri(&self.server)?;
        let endpoint = Endpoint::from(uri.clone()).connect_timeout(CONNECT_TIMEOUT);
        if uri.scheme_str() == Some("https") {
            return self.with_tls(endpoint);
        }
        if !is_loopback(&uri) && !self.insecure_plaintext {
            return Err(Failure::Usage(format!(
                "{} is plaintext and not on this machine: the token and every leased key would cross the network in clear; \
                 use https:// with --ca-file, or name the risk with --insecure-plaintext",
                self.server
            )));
        }
        Ok(endpoint)
    }

    fn with_tls(&self, endpoint: Endpoint) -> Result<Endpoint, Failure> {
        let path = given(self.ca_file.as_ref()).ok_or_else(|| {
            Failure::Usage(
                "https needs --ca-file or KEYLEASE_CA_FILE: a PEM file of the authorities to trust \
                 (the system's own on Debian: /etc/ssl/certs/ca-certificates.crt)"
                    .into(),
            )
        })?;
        let pem = read_bounded(path, CA_FILE_BYTES_MAX);
        let pem = pem.map_err(|failure| failure.of_flag("--ca-file or KEYLEASE_CA_FILE"))?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem.as_slice()));
        endpoint
            .tls_config(tls)
            .map_err(|error| Failure::Usage(format!("{}: {}", path.display(), causes(&error))))
    }

    /// The header that carries the token.
    fn bearer(
        &self,
        variable: Option<String>,
        role: Role,
    ) -> Result<MetadataValue<Ascii>, Failure> {
        let (text, holder) = match (given(self.token_file.as_ref()), variable) {
            (Some(path), _) => {
                let bytes = read_bounded(path, TOKEN_FILE_BYTES_MAX);
                let bytes = bytes.map_err(|failure| failure.of_flag(TOKEN_FILE))?;
                let text = std::str::from_utf8(&bytes).map_or("", without_line_end);
                let text = text.to_owned();
                (text, format!("{TOKEN_FILE}: {}", path.display()))
            }
            (None, Some(text)) => (text, "KEYLEASE_TOKEN".to_owned()),
            (None, None) => return Err(no_token(role)),
        };
        let text = zeroize::Zeroizing::new(text);
        if !text.starts_with("kl_") {
            return Err(Failure::Usage(format!(
                "{holder}: holds no token, which begin with kl_"
            )));
        }
        let mut bearer = MetadataValue::try_from(format!("Bearer {}", *text))
            .map_err(|_| Failure::Usage("the token has characters no token has".into()))?;
        bearer.set_sensitive(true);
        Ok(bearer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(server: &str) -> ClientArgs {
        ClientArgs {
            server: server.into(),
            token_file: None,
            ca_file: None,
            insecure_plaintext: false,
            deadline: Duration::from_secs(1),
            json: false,
        }
    }

    fn refusal<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Usage(message) | Failure::Unreachable(message)) => message,
            Err(other) => format!("{other:?}"),
            Ok(_) => "not refused".into(),
        }
    }

    #[test]
    fn plaintext_is_for_loopback_alone_unless_the_risk_is_named() {
        for server in [
            "http://127.0.0.1:7600",
            "localhost:7600",
            "http://[::1]:7600",
            "127.8.9.1:1",
        ] {
            assert!(args(server).endpoint().is_ok(), "{server}");
        }
        for server in [
            "http://10.0.0.1:7600",
            "vault:7600",
            "http://localhost.example.com",
        ] {
            assert!(
                refusal(args(server).endpoint()).contains("--insecure-plaintext"),
                "{server}"
            );
        }
        let mut named = args("http://10.0.0.1:7600");
        named.insecure_plaintext = true;
        assert!(named.endpoint().is_ok());
    }

    #[test]
    fn https_without_authorities_names_the_flag() {
        assert!(refusal(args("https://vault:7600").endpoint()).contains("KEYLEASE_CA_FILE"));
    }

    #[test]
    fn a_missing_or_odd_token_is_refused_without_being_shown() {
        let client = args("localhost:1");
        assert!(refusal(client.bearer(None, Role::Administrator)).contains("KEYLEASE_TOKEN_FILE"));
        let odd = refusal(client.bearer(Some("canary".into()), Role::Lessee));
        assert!(odd.contains("kl_") && !odd.contains("canary"), "{odd}");
        let bearer = client.bearer(Some("kl_a_b".into()), Role::Lessee).unwrap();
        assert!(bearer.is_sensitive());
        assert!(!format!("{bearer:?}").contains("kl_a_b"));
    }
}
