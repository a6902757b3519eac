//! A caller and a token, as the contract has them.

use crate::domain::caller::{Caller, Grant, Token};
use crate::domain::id::Id;
use crate::domain::name::{CallerName, TokenName};
use crate::proto;
use crate::service::convert::{disablement, distrust, labels, timestamp};

/// With its grants.
pub(super) fn of(caller: Caller) -> proto::Caller {
    proto::Caller {
        name: CallerName(caller.id).to_string(),
        uid: caller.meta.uid.to_string(),
        etag: caller.meta.etag(),
        labels: labels(&caller.meta.labels),
        create_time: Some(timestamp(caller.meta.create_time)),
        update_time: Some(timestamp(caller.meta.update_time)),
        grants: caller.grants.iter().map(grant).collect(),
        identities: Vec::new(),
        disablement: caller.disablement.as_ref().map(disablement),
        distrust: caller.meta.distrust.as_ref().map(distrust),
    }
}

fn grant(grant: &Grant) -> proto::Grant {
    let role = match grant {
        Grant::Admin => proto::Role::Admin,
        Grant::Operator => proto::Role::Operator,
        Grant::Auditor => proto::Role::Auditor,
        Grant::Lessee(_) => proto::Role::Lessee,
    };
    proto::Grant {
        role: role.into(),
        pool_pattern: grant.pool_pattern().to_owned(),
    }
}

/// Without its text.
pub(super) fn token(caller: &Id, token: Token) -> proto::Token {
    let name = TokenName {
        caller: caller.clone(),
        token: token.id,
    };
    proto::Token {
        name: name.to_string(),
        create_time: Some(timestamp(token.create_time)),
        expire_time: token.expire_time.map(timestamp),
        revoke_time: token.revoke_time.map(timestamp),
        display_name: token.display_name,
        uid: token.uid.to_string(),
        distrust: token.distrust.as_ref().map(distrust),
    }
}
