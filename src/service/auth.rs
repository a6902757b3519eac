//! Who calls: the identity that the authentication layer puts into a request, and what a method asks of it.

use std::sync::Arc;

use tonic::Request;

use crate::domain::caller::{Caller, Right};
use crate::domain::name::CallerName;
use crate::vault::{CallerRef, Refusal};

/// An authenticated caller, as an extension of the request.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The caller.
    pub caller: Arc<Caller>,
    /// The address the call came from.
    pub source: String,
}

impl Identity {
    /// As changes name it.
    #[must_use]
    pub fn caller_ref(&self) -> CallerRef {
        CallerRef {
            uid: self.caller.meta.uid,
            name: CallerName(self.caller.id.clone()).to_string(),
        }
    }
}

/// The caller, if it has the right.
///
/// # Errors
/// [`Refusal::TokenRejected`] without an identity, [`Refusal::RoleMissing`] without the right.
pub fn require<T>(request: &Request<T>, right: Right) -> Result<Identity, Refusal> {
    let identity = request.extensions().get::<Identity>();
    let identity = identity.ok_or(Refusal::TokenRejected)?;
    if !identity.caller.has(right) {
        return Err(Refusal::RoleMissing {
            needed: roles_with(right),
        });
    }
    Ok(identity.clone())
}

const fn roles_with(right: Right) -> &'static str {
    match right {
        Right::Read => "auditor, operator or admin",
        Right::Operate => "operator or admin",
        Right::Administer => "admin",
    }
}
