//! Whether secrets may be sent to this machine itself.

use std::net::IpAddr;

use url::{Host, Url};

use super::Endpoint;
use super::embedded::ipv4_of;
use crate::domain::field::{FieldError, Parsed};

/// Where secrets may be sent. To a caller, loopback is the machine it runs on: whatever listens there gets the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Upstreams {
    /// To other machines alone.
    #[default]
    Remote,
    /// To loopback too, as for a first try or a test.
    LoopbackToo,
}

impl Upstreams {
    /// The endpoint, if secrets may be sent to all of its hosts.
    ///
    /// # Errors
    /// Names the field, and how loopback is allowed.
    pub fn admit(self, endpoint: Endpoint) -> Parsed<Endpoint> {
        if self == Self::LoopbackToo || !endpoint.allowed_hosts.iter().any(|host| is_loopback(host))
        {
            return Ok(endpoint);
        }
        let own = Url::parse(&endpoint.base_url).ok();
        let is_own = own.is_some_and(|url| url.host().is_some_and(|host| is_local(&host)));
        let field = if is_own { "base_url" } else { "allowed_hosts" };
        Err(FieldError::new(
            field,
            "is a loopback address: whatever listens there, on the machine of a caller, would get the secret; use the address of the provider, \
             try it out with keylease dev, or start serve with KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS=true",
        ))
    }
}

/// Whether a host, as it stands in `allowed_hosts`, is this machine.
fn is_loopback(host: &str) -> bool {
    let url = Url::parse(&format!("https://{host}/"));
    url.is_ok_and(|url| url.host().is_some_and(|host| is_local(&host)))
}

fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost") || name.ends_with(".localdomain")
        }
        Host::Ipv4(v4) => is_this_machine(IpAddr::V4(*v4)),
        Host::Ipv6(v6) => is_this_machine(IpAddr::V6(*v6)),
    }
}

/// Whether an address is this machine's own, in whatever it is wrapped.
#[must_use]
pub fn is_this_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || ipv4_of(v6).any(|v4| v4.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(base_url: &str, hosts: &[&str]) -> Option<String> {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        let endpoint = Endpoint::parse(base_url, hosts, true).unwrap();
        assert!(Upstreams::LoopbackToo.admit(endpoint.clone()).is_ok());
        let refused = Upstreams::Remote.admit(endpoint).err()?;
        assert!(refused.message.contains("loopback"));
        Some(refused.field)
    }

    #[test]
    fn loopback_is_refused_however_it_is_written() {
        for url in [
            "http://127.0.0.1:8080/v1",
            "https://127.1.2.3",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]:9/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::127.0.0.1]/",
            "https://[2002:7f00:1::]/",
            "https://[64:ff9b::127.0.0.1]/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://localhost/v1",
            "https://LOCALHOST.:8443/v1",
            "https://api.localhost",
            "https://localhost.localdomain",
        ] {
            assert_eq!(refused(url, &[]).as_deref(), Some("base_url"), "{url}");
        }
    }

    #[test]
    fn loopback_is_no_other_host_of_an_account_either() {
        let hosts = ["api.example.com", "127.0.0.1:8080"];
        let field = refused("https://api.example.com", &hosts);
        assert_eq!(field.as_deref(), Some("allowed_hosts"));
    }

    #[test]
    fn other_machines_are_none_of_this() {
        for url in [
            "https://api.openai.com/v1",
            "http://10.0.0.7:8080",
            "https://localhost.example.com",
            "https://mylocalhost",
        ] {
            assert_eq!(refused(url, &[]), None, "{url}");
        }
    }
}
