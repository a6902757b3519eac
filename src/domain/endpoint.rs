//! Where the secrets of an account may be sent.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

use super::field::{FieldError, Parsed};
use super::profile::Profile;

mod embedded;
pub mod upstreams;

use embedded::ipv4_of;

/// The most allowed hosts of an account.
pub const HOSTS_MAX: usize = 16;
const URL_BYTES_MAX: usize = 512;
/// Names of metadata services: Google's (three), AWS's, Azure's, Tencent's and Equinix's.
const METADATA_NAMES: [&str; 8] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
];
/// Metadata services that are not link-local: Alibaba's, Oracle's, and what Azure's machines ask for their secrets.
const METADATA_IPV4: [[u8; 4]; 3] = [[100, 100, 100, 200], [192, 0, 0, 192], [168, 63, 129, 16]];
/// The same over IPv6: Google's and Oracle's.
const METADATA_IPV6: [[u16; 8]; 2] = [
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe],
];

/// A base URL and the hosts that secrets are sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Without a trailing slash.
    pub base_url: String,
    /// Sorted; the host of `base_url` is among them.
    pub allowed_hosts: Vec<String>,
    /// Plain http was allowed by name.
    pub allow_http: bool,
}

impl Endpoint {
    /// Parses the fields `base_url` and `allowed_hosts`.
    ///
    /// # Errors
    /// Names the field, and why the address is refused.
    pub fn parse(base_url: &str, allowed_hosts: Vec<String>, allow_http: bool) -> Parsed<Self> {
        let (url, host) = parse_url(base_url, allow_http)?;
        let mut hosts = allowed_hosts;
        if hosts.is_empty() {
            hosts.push(host.clone());
        }
        if hosts.len() > HOSTS_MAX {
            return Err(FieldError::new(
                "allowed_hosts",
                format!("has {} hosts, at most {HOSTS_MAX} are allowed", hosts.len()),
            ));
        }
        for (i, allowed) in hosts.iter().enumerate() {
            check_host(&format!("allowed_hosts[{i}]"), allowed)?;
        }
        hosts.sort();
        hosts.dedup();
        if !hosts.contains(&host) {
            return Err(FieldError::new(
                "allowed_hosts",
                format!("must contain {host}, the host of base_url"),
            ));
        }
        Ok(Self {
            base_url: url,
            allowed_hosts: hosts,
            allow_http,
        })
    }

    /// As [`parse`](Self::parse), where an empty `base_url` is the profile's own.
    ///
    /// # Errors
    /// Names the field, and why the address is refused.
    pub fn of_profile(
        profile: Profile,
        base_url: &str,
        allowed_hosts: Vec<String>,
        allow_http: bool,
    ) -> Parsed<Self> {
        let base_url = match (base_url, profile.base_url()) {
            ("", Some(own)) => own,
            ("", None) => {
                let message = "is required, since the profile generic has none of its own";
                return Err(FieldError::new("base_url", message));
            }
            (given, _) => given,
        };
        Self::parse(base_url, allowed_hosts, allow_http)
    }

    /// The host of `base_url`, with its port where that is not the scheme's own: accounts of one provider share it, whatever their paths.
    #[must_use]
    pub fn host(&self) -> String {
        parse_url(&self.base_url, self.allow_http)
            .map_or_else(|_| self.base_url.clone(), |(_, host)| host)
    }

    /// Whether secrets sealed for `hosts` may be sent to the base URL of this endpoint.
    #[must_use]
    pub fn is_sealed_by(&self, hosts: &[String]) -> bool {
        hosts == self.allowed_hosts
            && parse_url(&self.base_url, self.allow_http)
                .is_ok_and(|(_, host)| hosts.contains(&host))
    }
}

/// The URL without a trailing slash, and its host as in `allowed_hosts`.
fn parse_url(text: &str, allow_http: bool) -> Parsed<(String, String)> {
    const FIELD: &str = "base_url";
    if text.len() > URL_BYTES_MAX {
        return Err(FieldError::new(FIELD, "must have at most 512 bytes"));
    }
    let url = Url::parse(text)
        .map_err(|_| FieldError::new(FIELD, "must be a URL such as https://api.example.com/v1"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => {
            return Err(FieldError::new(
                FIELD,
                "is http, which sends secrets in clear; use https or set allow_http",
            ));
        }
        _ => return Err(FieldError::new(FIELD, "must begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FieldError::new(FIELD, "must not carry a user or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(FieldError::new(FIELD, "must not carry a query or fragment"));
    }
    let host = url
        .host()
        .ok_or_else(|| FieldError::new(FIELD, "must name a host"))?;
    check_name(FIELD, &host)?;
    refuse_local(FIELD, &host)?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    };
    Ok((url.as_str().trim_end_matches('/').to_owned(), host))
}

/// A host as it stands in a URL: a name or address, with a port where it is not the scheme's own.
fn check_host(field: &str, text: &str) -> Parsed<()> {
    let malformed = || FieldError::new(field, "must be a host, or host:port, in lower case");
    let url = Url::parse(&format!("https://{text}/")).map_err(|_| malformed())?;
    let host = url.host().ok_or_else(malformed)?;
    check_name(field, &host)?;
    refuse_local(field, &host)?;
    let written = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    };
    // A port of 443 is dropped by the parser, and so are paths and users: what differs is not a host.
    if written != text && format!("{host}:443") != text {
        return Err(malformed());
    }
    Ok(())
}

/// What names have; a `*` would read as if it meant many, and it means none.
fn check_name(field: &str, host: &Host<&str>) -> Parsed<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    match host {
        Host::Domain(name) if !name.bytes().all(allowed) => {
            let message = "must name a host by a-z, 0-9, '-', '_' and '.': there are no wildcards, name each host";
            Err(FieldError::new(field, message))
        }
        Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => Ok(()),
    }
}

/// Link-local and metadata addresses are never a provider: they hand out credentials of the machine.
fn refuse_local(field: &str, host: &Host<&str>) -> Parsed<()> {
    let refused = match host {
        Host::Domain(name) => METADATA_NAMES.contains(&name.trim_end_matches('.')),
        Host::Ipv4(v4) => is_link_local(IpAddr::V4(*v4)),
        Host::Ipv6(v6) => is_link_local(IpAddr::V6(*v6)),
    };
    if refused {
        return Err(FieldError::new(
            field,
            "is a link-local or metadata address, which is never a provider",
        ));
    }
    Ok(())
}

/// Link-local, cloud metadata, unspecified, broadcast and multicast addresses, in whatever they are wrapped.
#[must_use]
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || METADATA_IPV4.contains(&v4.octets())
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                // Site-local, link-local's sibling: given up, and still routed by some.
                || v6.segments()[0] & 0xffc0 == 0xfec0
                || is_metadata(v6)
                || ipv4_of(v6).any(|v4| is_link_local(IpAddr::V4(v4)))
        }
    }
}

/// Metadata services over IPv6, which are of the range for private networks: AWS's with all that it has beside it, Google's and Oracle's.
fn is_metadata(address: Ipv6Addr) -> bool {
    let is_aws = matches!(address.segments(), [0xfd00, 0xec2, ..]);
    is_aws || METADATA_IPV6.contains(&address.segments())
}

#[cfg(test)]
mod tests;
