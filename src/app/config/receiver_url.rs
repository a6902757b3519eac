//! URLs that alerts are posted to. They may be secrets, so no message repeats any of them.

use url::{Host, Url};

use crate::crypto::Secret;
use crate::domain::endpoint::is_link_local;
use crate::vault::HiddenUrl;

/// The switch that allows plain http.
pub(super) const INSECURE_HTTP: &str = "KEYLEASE_INSECURE_HTTP_ALERTS";

/// A URL that is a secret, out of a file.
pub(super) fn hidden_url(name: &str, text: &Secret, allow_http: bool) -> Result<HiddenUrl, String> {
    let text = std::str::from_utf8(text.expose());
    let text = text.map_err(|_| format!("{name} names a file that is not text"))?;
    url(name, text, allow_http).map(HiddenUrl::new)
}

/// A URL that something may be posted to.
pub(super) fn url(name: &str, text: &str, allow_http: bool) -> Result<Url, String> {
    let wrong = |what: &str| format!("{name} {what}");
    let url = Url::parse(text.trim())
        .map_err(|_| wrong("holds no URL: write one such as https://hooks.example.com/…"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        "http" => {
            return Err(wrong(&format!(
                "holds a URL of plain http: use https, or set {INSECURE_HTTP}"
            )));
        }
        _ => return Err(wrong("holds a URL that does not begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "holds a URL with a user or password, which is not sent: put what proves you into its path or query",
        ));
    }
    let is_refused = match url.host() {
        Some(Host::Ipv4(address)) => is_link_local(address.into()),
        Some(Host::Ipv6(address)) => is_link_local(address.into()),
        Some(Host::Domain(_)) => false,
        None => true,
    };
    if is_refused {
        return Err(wrong(
            "holds a URL with a link-local or metadata address, which nothing is sent to",
        ));
    }
    Ok(url)
}
