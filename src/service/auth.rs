//! Who calls: the identity that the authentication layer puts into a request, and what a method asks of it.

use std::net::SocketAddr;

use tonic::{Extensions, Request};

use crate::domain::caller::{Bearer, Right};
use crate::domain::name::CallerName;
use crate::vault::{CallerRef, Refusal};

/// An authenticated caller, as an extension of the request.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The caller, and what proved it.
    pub bearer: Bearer,
    /// The address the call came from.
    pub source: Option<SocketAddr>,
}

impl Identity {
    /// The address the call came from, without its port; empty if it is not known.
    #[must_use]
    pub fn source(&self) -> String {
        self.source
            .map(|source| source.ip().to_string())
            .unwrap_or_default()
    }

    /// As changes name it.
    #[must_use]
    pub fn caller_ref(&self) -> CallerRef {
        CallerRef {
            uid: self.bearer.caller.meta.uid,
            name: CallerName(self.bearer.caller.id.clone()).to_string(),
        }
    }
}

/// The caller, if it has the right.
///
/// # Errors
/// [`Refusal::TokenRejected`] without an identity, [`Refusal::RoleMissing`] without the right.
pub fn require<T>(request: &Request<T>, right: Right) -> Result<Identity, Refusal> {
    let identity = identity(request)?;
    if !identity.bearer.caller.has(right) {
        return Err(Refusal::RoleMissing {
            needed: roles_with(right),
        });
    }
    Ok(identity.clone())
}

/// The caller, whatever its rights: what it may lease is decided pool by pool.
///
/// # Errors
/// [`Refusal::TokenRejected`] without an identity.
pub fn identity<T>(request: &Request<T>) -> Result<&Identity, Refusal> {
    identity_of(request.extensions())
}

/// The same for a request that has been taken apart.
///
/// # Errors
/// [`Refusal::TokenRejected`] without an identity.
pub fn identity_of(extensions: &Extensions) -> Result<&Identity, Refusal> {
    extensions.get().ok_or(Refusal::TokenRejected)
}

const fn roles_with(right: Right) -> &'static str {
    match right {
        Right::Read => "auditor, operator or admin",
        Right::Operate => "operator or admin",
        Right::Administer => "admin",
    }
}
