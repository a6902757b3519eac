//! Tests of `endpoint.rs`.

use super::*;

#[test]
fn a_base_url_names_its_own_host_when_none_is_given() {
    let endpoint = Endpoint::parse("https://api.openai.com/v1/", vec![], false).unwrap();
    assert_eq!(endpoint.base_url, "https://api.openai.com/v1");
    assert_eq!(endpoint.allowed_hosts, ["api.openai.com"]);
    assert!(endpoint.is_sealed_by(&["api.openai.com".to_owned()]));
}

#[test]
fn an_edited_base_url_is_not_covered_by_the_sealed_hosts() {
    let mut endpoint = Endpoint::parse("https://api.openai.com/v1", vec![], false).unwrap();
    endpoint.base_url = "https://evil.example/v1".to_owned();
    assert!(!endpoint.is_sealed_by(&["api.openai.com".to_owned()]));
}

#[test]
fn addresses_that_are_never_a_provider_are_refused() {
    for url in [
        "https://169.254.169.254/latest",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://metadata.google.internal/x",
        "https://0.0.0.0/",
        "https://2852039166/",
        "https://[fd00:ec2::254]/",
    ] {
        assert!(Endpoint::parse(url, vec![], false).is_err(), "{url}");
    }
}

#[test]
fn http_needs_to_be_named() {
    assert!(Endpoint::parse("http://127.0.0.1:8080/v1", vec![], false).is_err());
    let endpoint = Endpoint::parse("http://127.0.0.1:8080/v1", vec![], true).unwrap();
    assert_eq!(endpoint.allowed_hosts, ["127.0.0.1:8080"]);
}

#[test]
fn users_queries_and_other_schemes_are_refused() {
    for url in [
        "https://user@api.example.com",
        "https://api.example.com/?a=b",
        "https://api.example.com/#f",
        "ftp://api.example.com",
        "api.example.com",
        "",
    ] {
        assert!(Endpoint::parse(url, vec![], true).is_err(), "{url}");
    }
}

#[test]
fn the_host_of_the_base_url_must_be_allowed() {
    let hosts = vec!["other.example".to_owned()];
    let error = Endpoint::parse("https://api.example.com", hosts, false).unwrap_err();
    assert_eq!(error.field, "allowed_hosts");
}

#[test]
fn accounts_of_one_provider_share_its_host_whatever_their_paths() {
    let host = |url| Endpoint::parse(url, vec![], false).unwrap().host();
    assert_eq!(host("https://api.example.com/v1"), "api.example.com");
    assert_eq!(host("https://api.example.com:443/v2"), "api.example.com");
    assert_eq!(
        host("https://api.example.com:8443/v1"),
        "api.example.com:8443"
    );
}
