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

/// Refuses sockets that cannot be bound beside each other: found here, the second is not told as one that somebody else has.
pub(super) fn check_apart(
    grpc: Option<SocketAddr>,
    metrics: Option<Option<SocketAddr>>,
    health: Option<Option<SocketAddr>>,
) -> Vec<String> {
    let sockets = [
        ("KEYLEASE_LISTEN", grpc),
        ("KEYLEASE_METRICS_LISTEN", metrics.flatten()),
        ("KEYLEASE_HEALTH_LISTEN", health.flatten()),
    ];
    let given: Vec<(&str, SocketAddr)> = sockets
        .into_iter()
        .filter_map(|(name, address)| Some((name, address?)))
        .collect();
    let mut problems = Vec::new();
    for (place, (name, address)) in given.iter().enumerate() {
        let same = given[..place]
            .iter()
            .find(|(_, earlier)| overlap(earlier, address));
        if let Some((other, earlier)) = same {
            problems.push(format!(
                "{name} is {address}, and {other} listens on {earlier} already: give each a port of its own"
            ));
        }
    }
    problems
}

/// Port 0 is another one each time; an unspecified address is every address.
fn overlap(one: &SocketAddr, other: &SocketAddr) -> bool {
    let every = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && (every || one.ip().to_canonical() == other.ip().to_canonical())
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
    fn two_sockets_on_one_address_are_told_with_both_names() {
        let apart = |one: &str, other: &str| {
            let parse = |text: &str| Some(text.parse().unwrap());
            check_apart(parse(one), Some(None), Some(parse(other)))
        };
        for (one, other) in [
            ("127.0.0.1:7600", "127.0.0.1:7600"),
            ("0.0.0.0:7600", "127.0.0.1:7600"),
            ("127.0.0.1:7600", "[::]:7600"),
        ] {
            let problems = apart(one, other);
            assert_eq!(problems.len(), 1, "{one} {other}");
            let expected =
                format!("KEYLEASE_HEALTH_LISTEN is {other}, and KEYLEASE_LISTEN listens on {one}");
            assert!(problems[0].starts_with(&expected), "{problems:?}");
        }
        for (one, other) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:7600", "127.0.0.1:7601"),
            ("127.0.0.1:7600", "127.0.0.2:7600"),
        ] {
            assert_eq!(apart(one, other), Vec::<String>::new(), "{one} {other}");
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
