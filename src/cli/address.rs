//! The server's address, and whether it is on this machine.

use tonic::transport::Uri;

use super::failure::Failure;

/// Where a vault listens unless told otherwise.
const PORT: u16 = 7600;

/// Reads `host:port`, `http://…` or `https://…`. Who names a host alone means the port of a vault.
pub(crate) fn server_uri(text: &str) -> Result<Uri, Failure> {
    let wrong = || {
        Failure::Usage(
            "--server or KEYLEASE_SERVER is no address: give http://HOST:PORT or https://HOST:PORT"
                .into(),
        )
    };
    let parse = |full: &str| full.parse::<Uri>().map_err(|_| wrong());
    let uri = if text.contains("://") {
        parse(text)?
    } else {
        let uri = parse(&format!("http://{text}"))?;
        match uri.port() {
            Some(_) => uri,
            None => parse(&format!("http://{}:{PORT}", text.trim_end_matches('/')))?,
        }
    };
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.path() == "/" && uri.query().is_none();
    let user = uri.authority().is_some_and(|a| a.as_str().contains('@'));
    if scheme && bare && !user && uri.host().is_some_and(|host| !host.is_empty()) {
        Ok(uri)
    } else {
        Err(wrong())
    }
}

/// Whether a URI names this machine.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_may_be_left_out() {
        assert_eq!(
            server_uri("127.0.0.1:7600").unwrap(),
            server_uri("http://127.0.0.1:7600/").unwrap()
        );
        assert_eq!(
            server_uri("vault").unwrap(),
            server_uri("http://vault:7600").unwrap()
        );
        assert_eq!(
            server_uri("[::1]/").unwrap(),
            server_uri("http://[::1]:7600").unwrap()
        );
        assert_eq!(server_uri("http://vault").unwrap().port(), None);
        assert_eq!(
            server_uri("https://vault").unwrap().scheme_str(),
            Some("https")
        );
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for server in [
            "",
            "ftp://x",
            "http://user:canary@host",
            "http://h/path",
            "http://h?q=canary",
        ] {
            let message = server_uri(server).unwrap_err().message();
            assert!(message.contains("KEYLEASE_SERVER"), "{server}: {message}");
            assert!(!message.contains("canary"));
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        let loopback = |server: &str| is_loopback(&server_uri(server).unwrap());
        for server in ["localhost:1", "http://[::1]:7600", "127.8.9.1:1"] {
            assert!(loopback(server), "{server}");
        }
        for server in ["10.0.0.1:1", "localhost.example.com", "vault:1"] {
            assert!(!loopback(server), "{server}");
        }
    }
}
