//! Tests of `endpoint.rs`.

use super::*;

const NEVER: &str = "is a link-local or metadata address, which is never a provider";

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
        "https://[fd00:ec2::23]:8080/",
        "https://[fd20:ce::254]/",
        "https://[fd00:c1::a9fe:a9fe]/",
        "https://169.254.169.254./",
        "https://0xa9fea9fe/",
        "https://0251.0376.0251.0376/",
        "https://169.16689662/",
        "https://0xA9.0xFE.0xA9.0xFE/",
        "https://%31%36%39.254.169.254/",
        "https://100.100.100.200/",
        "https://192.0.0.192/opc/v2",
        "https://168.63.129.16/",
        "https://[::169.254.169.254]/",
        "https://[::ffff:168.63.129.16]/",
        "https://[2002:a9fe:a9fe::]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::192.0.0.192]/",
        "https://[fec0::1]/",
        "https://[feff::1]/",
        "https://metadata.google.internal./",
        "https://METADATA.GOOG/",
        "https://instance-data.ec2.internal:8080/",
        "https://metadata.azure.internal../",
    ] {
        let refused = Endpoint::parse(url, vec![], false).err();
        let refused = refused.map(|refused| refused.message);
        assert_eq!(refused.as_deref(), Some(NEVER), "{url}");
    }
}

#[test]
fn addresses_that_are_never_a_provider_are_no_other_host_either() {
    for host in [
        "192.0.0.192",
        "168.63.129.16:8080",
        "[::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[64:ff9b::a9fe:a9fe]:8443",
        "metadata.goog",
        "instance-data.ec2.internal.",
    ] {
        let hosts = vec!["api.example.com".to_owned(), host.to_owned()];
        let refused = Endpoint::parse("https://api.example.com", hosts, false).unwrap_err();
        assert_eq!(refused.field, "allowed_hosts[1]", "{host}");
        assert_eq!(refused.message, NEVER, "{host}");
    }
}

#[test]
fn a_wildcard_is_no_host() {
    for host in ["*", "*.example.com", "*:8443", "a,b", "a;b"] {
        let hosts = vec!["api.example.com".to_owned(), host.to_owned()];
        let refused = Endpoint::parse("https://api.example.com", hosts, false).unwrap_err();
        assert_eq!(refused.field, "allowed_hosts[1]", "{host}");
        assert!(refused.message.contains("no wildcards"), "{host}");
    }
    let refused = Endpoint::parse("https://*.example.com/v1", vec![], false).unwrap_err();
    assert_eq!(refused.field, "base_url");
}

#[test]
fn hosts_beside_what_is_refused_are_providers() {
    for url in [
        "https://169.253.1.1/",
        "https://192.0.0.193/",
        "https://168.63.129.17/",
        "https://[2002:808:808::]/",
        "https://[64:ff9b::8.8.8.8]/",
        "https://[2606:4700::1111]/",
        "https://[fd00:ec3::254]/",
        "https://[fd20:ce::255]/",
        "https://metadata.example.com/",
        "https://my_host-1.example.com./",
    ] {
        assert!(Endpoint::parse(url, vec![], false).is_ok(), "{url}");
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
