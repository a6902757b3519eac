//! From names to addresses, and which of those nothing is sent to.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::{Host, Url};

use super::OutboundError;
use crate::domain::endpoint::is_link_local;
use crate::domain::endpoint::upstreams::{Upstreams, is_this_machine};

/// More addresses of one name are not tried.
const ADDRESSES_MAX: usize = 8;

/// Where names have their addresses from.
#[derive(Debug, Clone)]
pub enum Names {
    /// As every program on this machine: the hosts file, then DNS.
    System,
    /// These alone.
    Pinned(Arc<HashMap<String, Vec<IpAddr>>>),
}

impl Names {
    /// The addresses of a URL's host, if something may be sent to every one of them: a name that has a forbidden address among others
    /// is somebody's try.
    pub(super) async fn addresses(
        &self,
        url: &Url,
        upstreams: Upstreams,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        let port = url.port_or_known_default();
        let port = port.ok_or(OutboundError::Malformed)?;
        let found: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => self.resolve(name).await?,
            None => return Err(OutboundError::Malformed),
        };
        if let Some(address) = found.iter().find(|found| is_forbidden(**found, upstreams)) {
            return Err(OutboundError::Forbidden(*address));
        }
        if found.is_empty() {
            return Err(OutboundError::Unresolved);
        }
        let found = found.into_iter().take(ADDRESSES_MAX);
        Ok(found
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, OutboundError> {
        match self {
            Self::System => {
                let found = tokio::net::lookup_host((name, 0)).await;
                let found = found.map_err(|_| OutboundError::Unresolved)?;
                Ok(found.map(|address| address.ip()).collect())
            }
            Self::Pinned(names) => {
                let found = names.get(name.trim_end_matches('.'));
                Ok(found.cloned().unwrap_or_default())
            }
        }
    }
}

/// Metadata services and the like always, and this machine unless it was allowed by name.
fn is_forbidden(address: IpAddr, upstreams: Upstreams) -> bool {
    is_link_local(address) || (upstreams == Upstreams::Remote && is_this_machine(address))
}
