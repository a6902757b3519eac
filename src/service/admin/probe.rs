//! `ProbeKey`.

use super::mutation::REASON_BYTES_MAX;
use super::{Admin, Answer, key_message};
use crate::domain::field::{FieldErrors, text};
use crate::domain::name::KeyName;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::failure_class;
use crate::vault::Change;

pub(super) async fn probe(
    admin: &Admin,
    identity: &Identity,
    request: proto::ProbeKeyRequest,
) -> Answer<proto::ProbeKeyResponse> {
    let mut errors = FieldErrors::default();
    let name = errors.take(KeyName::parse("name", &request.name));
    let reason = errors.take(text("reason", request.reason, REASON_BYTES_MAX));
    let (name, reason) = errors.ready(name.zip(reason))?;
    let change = Change {
        caller: identity.caller_ref(),
        proof: identity.proof(),
        method: "ProbeKey",
        source: identity.source(),
        request: None,
        validate_only: false,
        reason,
    };
    let asked = admin.vault.probe_key(change, name).await?;
    let class = asked.class.map(|class| failure_class(class).into());
    Ok(proto::ProbeKeyResponse {
        version: asked.version.to_string(),
        probe: Some(key_message::probe(asked.last)),
        failure_class: class.unwrap_or_default(),
        health: Some(key_message::health(&asked.health)),
    })
}
