//! Remedies that name what a refusal is about, so that they can be followed as they stand.

use tonic::Code;

use super::{enabling, remedy};
use crate::cli::words;
use crate::proto::ErrorReason;

/// The longest --max-wait, in seconds.
const MAX_WAIT_SECONDS: f64 = 60.0;

/// What to do about a limit that is free again only after the longest wait in line.
pub(crate) const FREE_LATER: &str = "lease again when it is free, which is later than --max-wait can wait (60s); raise the limit, or add an account to the pool";

/// What a refusal says of itself.
#[derive(Debug, Default)]
pub(crate) struct About<'a> {
    /// The server's sentence.
    pub message: &'a str,
    /// The resource, by name as the contract has it; empty where it names none.
    pub resource: &'a str,
    /// What is disabled, by name.
    pub disabled: Vec<&'a str>,
    /// When to retry.
    pub retry_seconds: Option<f64>,
}

/// What to do about it; empty where the message says it all.
pub(crate) fn fitted(code: Code, reason: Option<ErrorReason>, about: &About<'_>) -> String {
    match reason {
        Some(ErrorReason::LimitExhausted) if is_later(about.retry_seconds) => FREE_LATER.to_owned(),
        Some(ErrorReason::ResourceNotFound) => match list(about.resource) {
            Some(list) => format!("check the name; `keylease {list}` shows what exists"),
            None => remedy(code, reason).to_owned(),
        },
        Some(ErrorReason::StateForbids) => undoing(about),
        Some(ErrorReason::PoolDisabled) => enabling(about.disabled.iter().copied()),
        _ => remedy(code, reason).to_owned(),
    }
}

/// Whether that is longer than a lease can wait in line.
pub(crate) fn is_later(seconds: Option<f64>) -> bool {
    seconds.is_some_and(|seconds| seconds > MAX_WAIT_SECONDS)
}

/// The verb that lists what is beside a resource.
fn list(resource: &str) -> Option<String> {
    let parts: Vec<&str> = resource.split('/').collect();
    let verb = match parts[..] {
        ["accounts", _] => "accounts list".to_owned(),
        ["accounts", account, "keys", _] => format!("keys list {account}"),
        ["accounts", account, "keys", key, ..] => format!("keys versions {account}/{key}"),
        ["accounts" | "callers", _, "limits", _] => {
            format!("limits list {}/{}", parts[0], parts[1])
        }
        ["pools", _] => "pools list".to_owned(),
        ["callers", _] => "callers list".to_owned(),
        ["callers", caller, "tokens", _] => format!("tokens list {caller}"),
        _ => return None,
    };
    Some(words::printable(&verb))
}

/// The verbs that undo what keeps a resource in use, which its message tells: the pool that names it, or the keys it has.
fn undoing(about: &About<'_>) -> String {
    let short = about.resource.strip_prefix("accounts/");
    let short = short.map(|rest| rest.replacen("/keys/", "/", 1));
    let pool = about.message.split_once("is a member of pools/");
    let pool = pool.and_then(|(_, rest)| rest.split([',', ' ']).next());
    let told = match (short, pool) {
        (Some(short), Some(pool)) => {
            format!("`keylease pools update {pool} --remove-member {short}`, then repeat")
        }
        (Some(account), None) if about.message.contains("has keys, delete them first") => format!(
            "`keylease keys list {account}` names them and `keylease keys delete {account}/KEY` deletes one; then repeat"
        ),
        _ => remedy(Code::Ok, Some(ErrorReason::StateForbids)).to_owned(),
    };
    words::printable(&told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_listed_by_its_own_verb() {
        for (resource, verb) in [
            ("accounts/a", "`keylease accounts list`"),
            ("accounts/a/keys/k", "`keylease keys list a`"),
            (
                "accounts/a/keys/k/versions/3",
                "`keylease keys versions a/k`",
            ),
            ("accounts/a/limits/l", "`keylease limits list accounts/a`"),
            ("pools/p", "`keylease pools list`"),
            ("callers/c/tokens/t", "`keylease tokens list c`"),
            ("", "the noun's `list`"),
        ] {
            let about = About {
                resource,
                ..About::default()
            };
            let told = fitted(Code::NotFound, Some(ErrorReason::ResourceNotFound), &about);
            assert!(told.contains(verb), "{resource}: {told}");
        }
    }

    #[test]
    fn what_keeps_a_resource_in_use_is_undone_by_a_verb() {
        let told = |resource, message| {
            let about = About {
                resource,
                message,
                ..About::default()
            };
            fitted(
                Code::FailedPrecondition,
                Some(ErrorReason::StateForbids),
                &about,
            )
        };
        let member = "accounts/a is a member of pools/p, remove it there first";
        let verb = "`keylease pools update p --remove-member a`";
        assert!(told("accounts/a", member).contains(verb));
        let key = "accounts/a/keys/k is a member of pools/p, remove it there first";
        let verb = "`keylease pools update p --remove-member a/k`";
        assert!(told("accounts/a/keys/k", key).contains(verb));
        let keys = "accounts/a has keys, delete them first";
        assert!(told("accounts/a", keys).contains("`keylease keys delete a/KEY`"));
        assert!(told("callers/c", "callers/c is the last").contains("message"));
    }

    #[test]
    fn nobody_is_told_to_wait_longer_than_the_longest_wait() {
        let told = |seconds| {
            let about = About {
                retry_seconds: Some(seconds),
                ..About::default()
            };
            fitted(
                Code::ResourceExhausted,
                Some(ErrorReason::LimitExhausted),
                &about,
            )
        };
        assert!(told(59.0).starts_with("wait with --max-wait"));
        assert!(told(3_600.0).starts_with("lease again when it is free"));
    }
}
