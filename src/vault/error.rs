//! A refusal is an expected no, and carries what its reader needs; a fault is opaque, and keeps its cause for the log.

use crate::crypto::{EnvelopeError, RandomError};
use crate::domain::field::FieldError;
use crate::store;

/// Why a verb did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expected no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A fault of the vault.
    #[error("a fault of the vault")]
    Failed(#[from] Fault),
}

/// An expected no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such resource.
    #[error("{resource} does not exist")]
    NotFound {
        /// By name.
        resource: String,
    },
    /// The name is taken.
    #[error("{resource} exists already, choose another id")]
    Exists {
        /// By name.
        resource: String,
    },
    /// Secrets are stored already, or come twice.
    #[error("{}", summary(fields))]
    SecretExists {
        /// Each field, and the key that has the secret.
        fields: Vec<FieldError>,
    },
    /// Secrets that may be gone at their provider, since its rotator was asked to have them revoked.
    #[error("{}", summary(fields))]
    SecretLeaving {
        /// Each field, the rotation that has it revoked, and the remedy.
        fields: Vec<FieldError>,
    },
    /// Fields are malformed or out of bounds.
    #[error("{}", summary(.0))]
    Fields(Vec<FieldError>),
    /// The resource has changed since the etag was read.
    #[error("{resource} has changed since, read it again and retry with its etag")]
    EtagMismatch {
        /// By name.
        resource: String,
    },
    /// The state of the resource, or something that refers to it, forbids the step.
    #[error("{message}")]
    State {
        /// By name.
        resource: String,
        /// A whole sentence: what forbids it, and the remedy.
        message: String,
    },
    /// As many began within this minute as may.
    #[error("{what}, more begin in the next minute")]
    MinuteFull {
        /// What, and how many.
        what: String,
    },
    /// Behaviour that later releases bring.
    #[error("{}", unbuilt(.field, .value, .remedy))]
    NotBuilt {
        /// The field, by its path in the request, or the RPC.
        field: String,
        /// What it was set to; empty for an RPC.
        value: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The request id was used for another request.
    #[error("request_id was used for another request of this method, choose a new one")]
    RequestIdReused,
    /// The call carries no token.
    #[error(
        "the call has no authorization header; send `authorization: Bearer TOKEN`, with a token that an administrator makes for a caller"
    )]
    TokenMissing,
    /// The caller is not known. Why not is not told: whoever guesses tokens would learn from it.
    #[error(
        "the authorization header must be `Bearer TOKEN`, and this token is malformed, unknown, expired or revoked, or its caller is disabled; ask an administrator for a new one"
    )]
    TokenRejected,
    /// The caller's roles do not cover the call.
    #[error("the roles of the caller do not cover this call, which needs {needed}")]
    RoleMissing {
        /// The roles that do.
        needed: &'static str,
    },
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    DatabaseUnreachable,
    /// This replica's view of who may call is too old.
    #[error("this replica has not reached its database for too long, call another")]
    SnapshotStale,
    /// This replica sends the status of pools to as many callers as it will.
    #[error(
        "{max} watches of {whom} run on this replica already, end one or ask again with GetStatus"
    )]
    TooManyWatches {
        /// The bound.
        max: usize,
        /// On whose.
        whom: &'static str,
    },
}

impl Refusal {
    /// What `field` asks for by this value is not built yet.
    pub fn not_built(
        field: impl Into<String>,
        value: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        let (field, value) = (field.into(), value.into());
        Self::NotBuilt {
            field,
            value,
            remedy,
        }
    }

    /// The resource that it is about, by name.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        match self {
            Self::NotFound { resource }
            | Self::Exists { resource }
            | Self::EtagMismatch { resource }
            | Self::State { resource, .. } => Some(resource),
            Self::SecretExists { .. }
            | Self::SecretLeaving { .. }
            | Self::Fields(_)
            | Self::MinuteFull { .. }
            | Self::NotBuilt { .. }
            | Self::RequestIdReused
            | Self::TokenMissing
            | Self::TokenRejected
            | Self::RoleMissing { .. }
            | Self::DatabaseUnreachable
            | Self::SnapshotStale
            | Self::TooManyWatches { .. } => None,
        }
    }
}

/// A fault of the vault: opaque to callers.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Fault {
    /// What was being done.
    doing: &'static str,
    /// Why it failed.
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Fault {
    /// A fault while doing something.
    pub fn new(
        doing: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            doing,
            cause: cause.into(),
        }
    }
}

/// The message of a refusal over fields: the first in full, and how many more there are.
fn summary(fields: &[FieldError]) -> String {
    let Some(first) = fields.first() else {
        return "a field is invalid".to_owned();
    };
    let more = match fields.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more, see the details)", count - 1),
    };
    format!("{} {}{more}", first.field, first.message)
}

fn unbuilt(field: &str, value: &str, remedy: &str) -> String {
    let value = if value.is_empty() {
        String::new()
    } else {
        format!(" {value}")
    };
    format!("{field}{value} is not built yet: {remedy}")
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unreachable(cause) => {
                tracing::warn!(error = %cause, "the database cannot be reached");
                Refusal::DatabaseUnreachable.into()
            }
            store::Error::Unique { .. }
            | store::Error::Referenced { .. }
            | store::Error::Corrupt { .. }
            | store::Error::Other(_) => Fault::new("a query failed", error).into(),
        }
    }
}

impl From<EnvelopeError> for Error {
    fn from(error: EnvelopeError) -> Self {
        Fault::new("sealing or opening a secret failed", error).into()
    }
}

impl From<RandomError> for Error {
    fn from(error: RandomError) -> Self {
        Fault::new("no randomness", error).into()
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Refusal::Fields(vec![error]).into()
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(errors: Vec<FieldError>) -> Self {
        Refusal::Fields(errors).into()
    }
}
