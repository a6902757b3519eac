//! What to do about each reason of the contract.

use std::collections::BTreeSet;

use tonic::Code;

use super::words;

use crate::proto::ErrorReason;
use ErrorReason as Reason;

mod fitted;

pub(crate) use fitted::{About, FREE_LATER, fitted, is_later};

/// One sentence on what to do; empty where the message says it all.
pub(crate) fn remedy(code: Code, reason: Option<ErrorReason>) -> &'static str {
    match reason {
        Some(reason) => by_reason(reason),
        None => by_code(code),
    }
}

/// What to do about keys whose secrets do not open: the line of each says why, and a master key that is missing is nobody's tampering.
pub(crate) const UNDECRYPTABLE: &str = "do what is said of each above: add a missing master key to the replica's file and restart it, or rotate a good secret in";

/// What to do about rows that somebody else wrote.
pub(crate) const TAMPERED: &str = "`keylease status POOL` says which rows; restore them from a backup, and find who writes to the database";

/// The most disabled resources whose verbs are told; `keylease status` lists the others.
const ENABLED_MAX: usize = 3;

/// What ends that these are disabled, by name as the contract has it: each with its noun and verb, once.
pub(crate) fn enabling<'a>(resources: impl Iterator<Item = &'a str>) -> String {
    let verbs: BTreeSet<String> = resources.filter_map(enable).collect();
    if verbs.is_empty() {
        return by_reason(ErrorReason::PoolDisabled).to_owned();
    }
    let more = match verbs.len().saturating_sub(ENABLED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more, see `keylease status POOL`"),
    };
    let told: Vec<String> = verbs.into_iter().take(ENABLED_MAX).collect();
    format!("an operator ends it with {}{more}", told.join(", "))
}

fn enable(resource: &str) -> Option<String> {
    let parts: Vec<&str> = resource.split('/').collect();
    let told = match parts[..] {
        ["accounts", account, "keys", key] => format!("keys enable {account}/{key}"),
        ["accounts", account] => format!("accounts enable {account}"),
        ["pools", pool] => format!("pools enable {pool}"),
        _ => return None,
    };
    Some(format!("`keylease {}`", words::printable(&told)))
}

/// What to do about a server that could not be reached: TLS on one side alone looks like no vault at all.
pub(crate) fn unreached(server: &str, cause: &str) -> &'static str {
    if cause.contains("certificate") {
        "check that --ca-file holds the authority of the server's certificate, which must be in date and name this host"
    } else if cause.contains("frame with invalid size") {
        "check that this is the gRPC port of a vault; one with TLS is called by https:// and --ca-file"
    } else if server.starts_with("https:") && cause.contains("corrupt") {
        "check that this is the gRPC port of a vault; one without TLS is called by http://"
    } else {
        "check that the server runs (keylease serve, keylease dev), and --server or KEYLEASE_SERVER"
    }
}

fn by_reason(reason: ErrorReason) -> &'static str {
    match reason {
        Reason::MethodUnknown => by_code(Code::Unimplemented),
        Reason::TokenRejected => {
            "check --token-file or KEYLEASE_TOKEN_FILE; an admin makes a new token with `keylease tokens create`"
        }
        Reason::RoleMissing => {
            "an admin grants the role that is named with `keylease callers update NAME --role ROLE`"
        }
        Reason::PoolDenied => {
            "check the pool's name, and that the token is a lessee's (an admin's leases nothing; dev keeps one in .keylease/lessee.token); \
             an admin grants the pool with `keylease callers update NAME --lessee POOL`"
        }
        Reason::RequestIdReused | Reason::RequestIdSpent => "use a new --request-id",
        Reason::ResourceNotFound => "check the name; the noun's `list` shows what exists",
        Reason::ResourceExists | Reason::MessageTooLarge | Reason::MessageMalformed => "",
        Reason::EtagMismatch => "somebody was faster: look again, then repeat",
        Reason::StateForbids => "do first what the message says, then repeat",
        Reason::LimitExhausted => {
            "wait with --max-wait, raise the limit, or add an account to the pool"
        }
        Reason::KeysCooling => {
            "wait; `keylease status POOL` shows what cools, and `accounts clear-health` or `keys clear-health` ends it where it is well"
        }
        Reason::Provider => "wait; `keylease providers clear-health HOST` ends it if it is well",
        Reason::KeysDead => {
            "replace the key with `keylease keys rotate`, or `keylease keys clear-health` if it is well"
        }
        Reason::QueueFull => "retry later, with fewer callers waiting",
        Reason::PoolEmpty => "add a member with `keylease pools update POOL --member ACCOUNT`",
        Reason::KeysDistrusted => {
            "`keylease status POOL` says why: add a master key that is missing to the replica's file and restart it; \
             what was changed, restore from a backup, and find who writes to the database"
        }
        Reason::LimitsUnread => "lease from a replica of the newest release",
        Reason::PoolDisabled => {
            "`keylease status POOL` says who disabled what; an operator ends it with `keylease pools enable`, `keylease accounts enable` or `keylease keys enable`"
        }
        Reason::ModelNotServed => "check --model, and the keys' allow and deny patterns",
        Reason::LargerThanLimit => "ask for less at once, or raise the limit",
        Reason::CostRequired => {
            "say what one use costs with --estimate-cost-micros, or with the pool's default estimate"
        }
        Reason::ModelRequired => "name the model with --model",
        Reason::AccountNotInPool => "check --account, or add it to the pool",
        Reason::DatabaseUnreachable | Reason::SnapshotStale | Reason::JournalBehind => {
            "check the server's Postgres; the server's log says more"
        }
        Reason::LeaseFinished | Reason::LeaseSpent => "end what it is used for, and lease again",
        Reason::LimitsFrozen => "nothing but to wait; the README says why under Failover",
        Reason::Draining | Reason::Deadline => "retry",
        Reason::LeaseExpired => "lease again; ask for longer with --lease-duration",
        Reason::RetryTokenInvalid => "lease without the retry token",
        Reason::KeysAvoided => "lease without the retry token, or later",
        Reason::LeaseIdInvalid => "give the lease id as it was printed, to its cluster",
        Reason::LeaseForeign => "report with the token that leased",
        Reason::Internal => "look the id up in the server's log",
        Reason::Unspecified | Reason::FieldInvalid | Reason::NotBuilt => "",
    }
}

fn by_code(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => by_reason(ErrorReason::TokenRejected),
        Code::DeadlineExceeded | Code::Cancelled => "retry, with a longer --deadline",
        Code::Unimplemented => "check that --server is a vault, and of this version",
        Code::Unavailable => "retry; if it stays so, the server's log says why",
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_disabled_is_named_with_its_noun() {
        let told =
            enabling(["accounts/a/keys/k", "accounts/b", "pools/p", "accounts/b"].into_iter());
        let verbs =
            "`keylease accounts enable b`, `keylease keys enable a/k`, `keylease pools enable p`";
        assert_eq!(told, format!("an operator ends it with {verbs}"));
        assert!(enabling([""].into_iter()).contains("keylease status POOL"));
    }

    #[test]
    fn tls_on_one_side_alone_is_told_from_a_server_that_is_not_there() {
        for (server, cause, remedy) in [
            (
                "http://h:1",
                "connection error detected: frame with invalid size",
                "https://",
            ),
            (
                "https://h:1",
                "received corrupt message of type InvalidContentType",
                "http://",
            ),
            (
                "https://h:1",
                "invalid peer certificate: UnknownIssuer",
                "--ca-file",
            ),
            (
                "https://h:1",
                "Connection refused (os error 111)",
                "KEYLEASE_SERVER",
            ),
        ] {
            let said = unreached(server, cause);
            assert!(said.contains(remedy), "{cause}: {said}");
        }
    }
}
