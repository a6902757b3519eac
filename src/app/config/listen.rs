//! Addresses to listen on, and when one may do without TLS.

use std::net::SocketAddr;

/// Parses `text` of variable `name`.
pub(super) fn address(name: &str, text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_| {
        format!("{name} is {text:?}, which is no address: write IP:PORT, like 127.0.0.1:7600, 0.0.0.0:7600 or [::]:7600")
    })
}

/// An address, or none for `off`.
pub(super) fn address_or_off(name: &str, text: &str) -> Result<Option<SocketAddr>, String> {
    if text.trim().eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    address(name, text)
        .map(Some)
        .map_err(|problem| format!("{problem}; or `off`"))
}

/// Refuses plaintext where somebody could listen in, or warns of it where that was accepted.
pub(super) fn check_plaintext(
    listen: SocketAddr,
    accepted: bool,
) -> Result<Option<String>, String> {
    if listen.ip().to_canonical().is_loopback() {
        return Ok(None);
    }
    if accepted {
        return Ok(Some(format!(
            "KEYLEASE_INSECURE_PLAINTEXT: {listen} is served without TLS, so whoever sees the traffic reads provider keys and tokens"
        )));
    }
    Err(format!(
        "KEYLEASE_LISTEN is {listen}, beyond loopback, and there is no TLS, so whoever sees the traffic would read provider keys and \
         tokens: set KEYLEASE_TLS_CERT_FILE and KEYLEASE_TLS_KEY_FILE, or accept that by KEYLEASE_INSECURE_PLAINTEXT=true"
    ))
}

/// `dev` has a folder of tokens and no TLS: it is for this machine.
pub(super) fn loopback(name: &str, text: &str) -> Result<SocketAddr, String> {
    let found = address(name, text)?;
    if found.ip().to_canonical().is_loopback() {
        return Ok(found);
    }
    Err(format!(
        "{name} is {found}, and `keylease dev` serves loopback only: use 127.0.0.1, or `keylease serve` with TLS"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_is_for_loopback_unless_it_is_accepted_by_name() {
        let check = |text: &str, accepted| check_plaintext(text.parse().unwrap(), accepted);
        for loopback in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(check(loopback, false), Ok(None), "{loopback}");
        }
        for open in ["0.0.0.0:1", "10.0.0.1:1", "[::]:1"] {
            let problem = check(open, false).unwrap_err();
            assert!(problem.contains("KEYLEASE_INSECURE_PLAINTEXT"), "{problem}");
            let warning = check(open, true).unwrap().unwrap();
            assert!(
                warning.contains(open) && warning.contains("without TLS"),
                "{warning}"
            );
        }
    }

    #[test]
    fn a_name_or_a_bare_port_is_no_address() {
        for text in ["localhost:7600", "7600", ":7600", ""] {
            let problem = address("KEYLEASE_LISTEN", text).unwrap_err();
            assert!(problem.starts_with("KEYLEASE_LISTEN is"), "{problem}");
            assert!(problem.contains("127.0.0.1:7600"), "{problem}");
        }
    }
}
