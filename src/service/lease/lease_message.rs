//! What LeaseKey answers.

use crate::crypto::Secret;
use crate::domain::profile::PlacementKind;
use crate::live::credential::Credential;
use crate::proto;
use crate::service::convert::duration;
use crate::vault::Lease;

/// The answer on the wire: the one place where secrets become text.
pub(super) fn message(lease: Lease) -> proto::LeaseKeyResponse {
    let kind = if lease.is_canary {
        proto::LeaseKind::Canary
    } else {
        proto::LeaseKind::Normal
    };
    proto::LeaseKeyResponse {
        lease_id: lease.lease_id,
        granted: i32::try_from(lease.granted).unwrap_or(i32::MAX),
        key: lease.key.to_text(),
        account: lease.account.to_text(),
        version: lease.version.cast_signed(),
        credential: Some(credential(&lease.credential, lease.model)),
        start_within: Some(duration(lease.start_within)),
        report_within: Some(duration(lease.report_within)),
        kind: kind.into(),
    }
}

fn credential(credential: &Credential, model: String) -> proto::Credential {
    let placing = &*credential.placing;
    let mut message = proto::Credential {
        base_url: placing.base_url.clone(),
        fields: credential.fields.iter().map(field).collect(),
        model,
        ..Default::default()
    };
    if let Some(secret) = credential.value() {
        let (name, value) = (placing.name.clone(), revealed(&placing.prefix, secret));
        match placing.kind {
            PlacementKind::Header => message.headers.push(proto::Header { name, value }),
            PlacementKind::Query => message.query.push(proto::QueryParameter { name, value }),
        }
    }
    let fixed = placing.fixed_header.map(|(name, value)| proto::Header {
        name: name.to_owned(),
        value: value.to_owned(),
    });
    message.headers.extend(fixed);
    message
}

fn field((name, secret): &(String, Secret)) -> (String, String) {
    (name.clone(), revealed("", secret))
}

/// Secrets come in as text, and have stayed so.
fn revealed(prefix: &str, secret: &Secret) -> String {
    [prefix, &String::from_utf8_lossy(secret.expose())].concat()
}
