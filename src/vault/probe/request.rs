//! What a probe sends.

use zeroize::Zeroizing;

use super::Unprobed;
use crate::domain::account::Account;
use crate::domain::probe;
use crate::domain::profile::PlacementKind;
use crate::live::credential::{Credential, Placing};
use crate::outbound::{OutboundError, Request};

/// Whether there is something harmless to ask the provider of an account for, with a secret of one string.
pub(in crate::vault) fn is_askable(account: &Account) -> bool {
    let placing = Placing::of(account);
    placing.kind == PlacementKind::Header
        && probe::url(account.profile, &placing.base_url).is_some()
}

/// What is asked for, with the key where its provider expects it: only here does it leave by our own hand.
pub(super) fn request(account: &Account, credential: &Credential) -> Result<Request, Unprobed> {
    let malformed = |_: OutboundError| Unprobed::Unopened;
    let placing = &credential.placing;
    let url = probe::url(account.profile, &placing.base_url).ok_or(Unprobed::Unasked)?;
    let secret = credential.value().ok_or(Unprobed::Unasked)?;
    if placing.kind != PlacementKind::Header {
        return Err(Unprobed::Unasked);
    }
    let value = Zeroizing::new([placing.prefix.as_bytes(), secret.expose()].concat());
    let mut request = Request::get(url, account.endpoint.allow_http)
        .with_header(&placing.name, &value)
        .map_err(malformed)?;
    if let Some((name, value)) = placing.fixed_header {
        let fixed = request.with_header(name, value.as_bytes());
        request = fixed.map_err(malformed)?;
    }
    Ok(request)
}
