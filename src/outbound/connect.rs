//! A connection to a checked address.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use super::OutboundError;
use super::names::Names;
use crate::domain::endpoint::upstreams::Upstreams;

/// From the question for an address to the end of TLS.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// One address of several may take so long.
const ADDRESS_WITHIN: Duration = Duration::from_secs(2);

/// How to get where.
#[derive(Clone)]
pub(super) struct Way {
    upstreams: Upstreams,
    names: Names,
    tls: TlsConnector,
}

/// A connection.
pub(super) enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// With whoever has a certificate for the name.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Way {
    pub(super) const fn new(upstreams: Upstreams, names: Names, tls: TlsConnector) -> Self {
        Self {
            upstreams,
            names,
            tls,
        }
    }

    /// A connection to the host of a URL.
    pub(super) async fn connect(
        &self,
        url: &Url,
        allow_http: bool,
    ) -> Result<Stream, OutboundError> {
        let is_plain = match url.scheme() {
            "https" => false,
            "http" if allow_http => true,
            "http" => return Err(OutboundError::PlainHttp),
            _ => return Err(OutboundError::Malformed),
        };
        let deadline = Instant::now() + CONNECT_WITHIN;
        let reaching = timeout_at(deadline, self.reach(url)).await;
        let stream = reaching.unwrap_or(Err(OutboundError::Unreachable))?;
        if is_plain {
            return Ok(Stream::Plain(stream));
        }
        let name = server_name(url)?;
        let greeting = timeout_at(deadline, self.tls.connect(name, stream)).await;
        let greeted = greeting.map_err(|_| OutboundError::Unreachable)?;
        let stream = greeted.map_err(|_| OutboundError::Untrusted)?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// The first of its addresses that answers. No name is looked up again here: what was checked is what is connected to.
    async fn reach(&self, url: &Url) -> Result<TcpStream, OutboundError> {
        let addresses = self.names.addresses(url, self.upstreams).await?;
        for address in addresses {
            if let Some(stream) = open(address).await {
                return Ok(stream);
            }
        }
        Err(OutboundError::Unreachable)
    }
}

async fn open(address: SocketAddr) -> Option<TcpStream> {
    let opening = timeout(ADDRESS_WITHIN, TcpStream::connect(address)).await;
    opening.ok()?.ok()
}

/// Whom the certificate must be of.
fn server_name(url: &Url) -> Result<ServerName<'static>, OutboundError> {
    let name = match url.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.trim_end_matches('.').to_owned()),
        Some(Host::Ipv4(address)) => Ok(ServerName::from(std::net::IpAddr::from(address))),
        Some(Host::Ipv6(address)) => Ok(ServerName::from(std::net::IpAddr::from(address))),
        None => return Err(OutboundError::Malformed),
    };
    name.map_err(|_| OutboundError::Malformed)
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Way({:?}, {:?})", self.upstreams, self.names)
    }
}
