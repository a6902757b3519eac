//! What the contract has and this build has not: the one list that refusals are made of, and the help of the client. What has been
//! built is struck off here, and the compiler then finds where it was refused.

/// A choice of the contract that is not built yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbuilt {
    /// The field, by its path in the request.
    pub field: &'static str,
    /// How the client's command line asks for it.
    pub flag: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
}

const fn unbuilt(field: &'static str, flag: &'static str, remedy: &'static str) -> Unbuilt {
    Unbuilt {
        field,
        flag,
        remedy,
    }
}

/// Limits of callers.
pub const CALLER_LIMITS: Unbuilt = unbuilt(
    "parent",
    "limits of callers/NAME",
    "limits belong to accounts: accounts/{account}",
);
/// What `limits create` and `limits update` may be asked for in vain.
pub const OF_LIMITS: &[Unbuilt] = &[CALLER_LIMITS];

/// Callers without tokens.
pub const IDENTITIES: Unbuilt = unbuilt(
    "caller.identities",
    "--mtls-san, --kubernetes-service-account, --jwt-subject",
    "leave it empty, and give the caller a token by CreateToken",
);
/// What `callers create` and `callers update` may be asked for in vain.
pub const OF_CALLERS: &[Unbuilt] = &[IDENTITIES];
