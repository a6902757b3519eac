//! What a value has to be. Messages say what is wrong and never the value.

use tonic::transport::Uri;

use crate::cli::address::is_loopback;
use crate::cli::placeholders::is_placeholder;

/// The longest secret by the contract.
const KEY_BYTES_MAX: usize = 16 * 1024;

/// Whether a value can be a key.
pub(super) fn check_key(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("is empty: give a key, or remove the line");
    }
    if is_placeholder(value) {
        return Err("is a placeholder: give a key, or remove the line");
    }
    if value.contains("${") || value.contains("$(") {
        return Err("refers to another variable, which is not followed: write the key itself");
    }
    if !value.chars().all(|c| c.is_ascii_graphic()) {
        return Err(
            "has a space, a control character or a letter that no key has: check the quotes",
        );
    }
    if value.len() > KEY_BYTES_MAX {
        return Err("is longer than 16 KiB");
    }
    Ok(())
}

/// A base URL, and whether it is in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl {
    pub(super) text: String,
    pub(super) http: bool,
}

/// Reads a base URL. It may carry no secret, since it is shown everywhere.
pub(super) fn base_url(value: &str, allow_http: bool) -> Result<BaseUrl, &'static str> {
    const WRONG: &str = "is no base URL: give https://HOST/PATH";
    if value.is_empty() {
        return Err("is empty: give https://HOST/PATH, or remove the line");
    }
    if is_placeholder(value) {
        return Err("is a placeholder: give https://HOST/PATH, or remove the line");
    }
    let uri: Uri = value.parse().map_err(|_| WRONG)?;
    let host = uri.host().filter(|host| !host.is_empty());
    host.ok_or(WRONG)?;
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return Err("holds a user or password, which does not belong into a base URL");
    }
    if value.contains(['?', '#']) {
        return Err("has a query or fragment, which does not belong into a base URL");
    }
    let http = match uri.scheme_str() {
        Some("https") => false,
        Some("http") => true,
        Some(_) | None => return Err(WRONG),
    };
    if http && !allow_http {
        return Err(http_refusal(&uri));
    }
    Ok(BaseUrl {
        text: value.trim_end_matches('/').to_owned(),
        http,
    })
}

fn http_refusal(uri: &Uri) -> &'static str {
    if is_loopback(uri) {
        "is http on this machine: allow it with --allow-http"
    } else {
        "is http, which shows every key to the network: give https, or name the risk with --allow-http"
    }
}

/// Hours between rotations.
pub(super) fn rotation_hours(value: &str) -> Result<i64, &'static str> {
    const TEN_YEARS: i64 = 87_600;
    bounded(value, TEN_YEARS).ok_or("is not a whole number of hours from 1 to 87600 (10 years)")
}

/// Requests a minute.
pub(super) fn requests_per_minute(value: &str) -> Result<i64, &'static str> {
    const AMOUNT_MAX: i64 = 1_000_000_000_000;
    bounded(value, AMOUNT_MAX).ok_or("is not a whole number of requests from 1 to 10^12")
}

fn bounded(value: &str, max: i64) -> Option<i64> {
    value
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number))
}

/// Yes or no, in the words `.env` files use.
pub(super) fn switch(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("is neither true nor false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_and_real_keys_are_not_taken_for_them() {
        for value in [
            "",
            "YOUR_API_KEY",
            "your-key",
            "sk-your-key-here",
            "<key>",
            "sk-<paste>",
            "changeme",
            "xxx",
            "XXXX",
            "sk-xxxx",
            "sk-proj-xxxxxxxx",
            "sk-...",
            "sk-ab…yz",
            "***",
            "TODO",
            "insert_key",
        ] {
            assert!(check_key(value).is_err(), "{value}");
        }
        for value in [
            "sk-proj-Ab3_xZ9-qqXx0",
            "sk-ant-api03-abc_DEF-xx",
            "AIzaSyD-9tSrke72I6Sn",
            "a.b.c",
            "rk_live_51Hxyz",
            "base64+/==",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        ] {
            assert_eq!(check_key(value), Ok(()), "{value}");
        }
    }

    #[test]
    fn keys_with_spaces_references_or_without_end_are_refused() {
        assert!(check_key("sk 1").is_err());
        assert!(check_key("sk-1\n").is_err());
        assert!(check_key("sk-\u{201d}").is_err(), "a typographic quote");
        assert!(
            check_key("${OTHER}")
                .unwrap_err()
                .contains("another variable")
        );
        assert!(check_key(&"a1".repeat(8 * 1024)).is_ok());
        assert!(check_key(&"a1".repeat(8 * 1024 + 1)).is_err());
    }

    #[test]
    fn http_needs_to_be_allowed_by_name() {
        let refused = base_url("http://127.0.0.1:8080/v1", false).unwrap_err();
        assert!(refused.contains("--allow-http"), "{refused}");
        assert!(
            base_url("http://api.example.com", false)
                .unwrap_err()
                .contains("network")
        );
        assert!(base_url("http://127.0.0.1:8080/v1", true).unwrap().http);
        let https = base_url("https://api.example.com/v1/", false).unwrap();
        assert_eq!(https.text, "https://api.example.com/v1");
        assert!(!https.http);
    }

    #[test]
    fn a_base_url_that_carries_more_than_a_place_is_refused() {
        for value in [
            "",
            "api.example.com",
            "ftp://x/",
            "https://",
            "https://user:canary@x",
            "https://x/?key=canary",
            "https://x/#a",
            "YOUR_URL",
            "https://your-host/",
            "a b",
        ] {
            let refused = base_url(value, true).unwrap_err();
            assert!(!refused.contains("canary"), "{value}");
        }
    }

    #[test]
    fn policies_are_bounded() {
        assert_eq!(rotation_hours("168"), Ok(168));
        assert_eq!(switch("False"), Ok(false));
        assert_eq!(requests_per_minute("600"), Ok(600));
        for value in ["0", "-1", "1.5", "", "87601", "many"] {
            assert!(rotation_hours(value).is_err(), "{value}");
        }
        assert!(requests_per_minute("1000000000001").is_err());
        assert!(switch("maybe").is_err());
    }
}
