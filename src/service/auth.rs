//! Who calls: the identity that the authentication layer puts into a request, and what a method asks of it.

use std::net::SocketAddr;
use std::sync::Arc;

use tonic::{Extensions, Request};

use crate::domain::caller::{Bearer, Right};
use crate::domain::name::CallerName;
use crate::vault::{CallerRef, Proof, Refusal};

/// An authenticated caller, as an extension of the request.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The caller, and what proved it.
    pub bearer: Bearer,
    /// The address the call came from.
    pub source: Option<SocketAddr>,
    /// What the method asks of its caller.
    pub asked: Right,
}

impl Identity {
    /// The address the call came from, without its port; empty if it is not known.
    #[must_use]
    pub fn source(&self) -> String {
        self.source
            .map(|source| source.ip().to_string())
            .unwrap_or_default()
    }

    /// What let it in.
    #[must_use]
    pub fn proof(&self) -> Option<Proof> {
        let token = self.bearer.token.clone()?;
        Some(Proof {
            caller: Arc::clone(&self.bearer.caller),
            token,
            right: self.asked,
        })
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
            needed: right.roles(),
        });
    }
    Ok(Identity {
        asked: right,
        ..identity.clone()
    })
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
