//! Resource names, given short (`openai`, `openai/main`) or full (`accounts/openai/keys/main`).

use super::failure::Failure;

/// The longest id by the contract.
const ID_LENGTH_MAX: usize = 63;

const ACCOUNT: [&str; 1] = ["accounts"];
const KEY: [&str; 2] = ["accounts", "keys"];
const VERSION: [&str; 3] = ["accounts", "keys", "versions"];
const ROTATION: [&str; 3] = ["accounts", "keys", "rotations"];
const POOL: [&str; 1] = ["pools"];
const CALLER: [&str; 1] = ["callers"];
const TOKEN: [&str; 2] = ["callers", "tokens"];
const ACCOUNT_LIMIT: [&str; 2] = ["accounts", "limits"];
const CALLER_LIMIT: [&str; 2] = ["callers", "limits"];

/// `openai` or `accounts/openai`.
pub(crate) fn account(text: &str) -> Result<String, Failure> {
    parse(text, &ACCOUNT, "an account, such as openai")
}

/// `openai/main` or `accounts/openai/keys/main`.
pub(crate) fn key(text: &str) -> Result<String, Failure> {
    parse(text, &KEY, "a key, such as openai/main")
}

/// `openai/main/3` or `accounts/openai/keys/main/rotations/3`.
pub(crate) fn rotation(text: &str) -> Result<String, Failure> {
    parse(text, &ROTATION, "a rotation, such as openai/main/3")
}

/// `openai-prod` or `pools/openai-prod`.
pub(crate) fn pool(text: &str) -> Result<String, Failure> {
    parse(text, &POOL, "a pool, such as openai-prod")
}

/// `billing` or `callers/billing`.
pub(crate) fn caller(text: &str) -> Result<String, Failure> {
    parse(text, &CALLER, "a caller, such as billing")
}

/// `billing/ID` or `callers/billing/tokens/ID`.
pub(crate) fn token(text: &str) -> Result<String, Failure> {
    // Token ids are made by the server, with letters of both cases.
    let segments: Vec<&str> = text.split('/').collect();
    let (owner, id) = match segments[..] {
        [caller, id] | ["callers", caller, "tokens", id] => (caller, id),
        _ => return Err(wrong(text, "a token, such as billing/ID", &TOKEN)),
    };
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(wrong(text, "a token, such as billing/ID", &TOKEN));
    }
    Ok(format!("{}/tokens/{id}", caller(owner)?))
}

/// A key, or one version of it: `openai/main`, `openai/main/3`, or full.
pub(crate) fn key_or_version(text: &str) -> Result<String, Failure> {
    match parse(text, &VERSION, "") {
        Ok(version) => Ok(version),
        Err(_) => parse(
            text,
            &KEY,
            "a key or a version, such as openai/main or openai/main/3",
        ),
    }
}

/// `openai` (an account), `accounts/openai` or `callers/billing`.
pub(crate) fn limit_owner(text: &str) -> Result<String, Failure> {
    if text.starts_with("callers/") {
        return caller(text);
    }
    account(text)
}

/// `openai/rpm` (of an account), `accounts/openai/limits/rpm` or `callers/billing/limits/rpm`.
pub(crate) fn limit(text: &str) -> Result<String, Failure> {
    if text.starts_with("callers/") {
        return parse(
            text,
            &CALLER_LIMIT,
            "a limit, such as callers/billing/limits/rpm",
        );
    }
    parse(text, &ACCOUNT_LIMIT, "a limit, such as openai/rpm")
}

/// What a pool may lease from: an account or a key.
pub(crate) fn member(text: &str) -> Result<String, Failure> {
    match account(text) {
        Ok(account) => Ok(account),
        Err(_) => parse(
            text,
            &KEY,
            "a member, such as accounts/openai or accounts/openai/keys/main",
        ),
    }
}

/// The parent of a name and its last segment: `accounts/a/keys/k` gives `accounts/a` and `k`.
pub(crate) fn split(name: &str) -> (&str, &str) {
    let Some((collection, id)) = name.rsplit_once('/') else {
        return ("", name);
    };
    let parent = collection.rsplit_once('/').map_or("", |(parent, _)| parent);
    (parent, id)
}

/// Reads a full name, or the ids of one alone.
fn parse(text: &str, collections: &[&str], expected: &str) -> Result<String, Failure> {
    let segments: Vec<&str> = text.split('/').collect();
    let full = segments.len() == 2 * collections.len();
    let ids: Vec<&str> = if full && segments.iter().step_by(2).eq(collections) {
        segments.iter().skip(1).step_by(2).copied().collect()
    } else if segments.len() == collections.len() && !is_collection(segments[0], &segments) {
        segments
    } else {
        return Err(wrong(text, expected, collections));
    };
    if !ids.iter().all(|id| is_id(id)) {
        return Err(wrong(text, expected, collections));
    }
    let pairs = collections.iter().zip(ids);
    let name: Vec<String> = pairs.map(|(name, id)| format!("{name}/{id}")).collect();
    Ok(name.join("/"))
}

/// `accounts/openai` is no key `openai` of an account named `accounts`, but a slip.
fn is_collection(first: &str, segments: &[&str]) -> bool {
    segments.len() > 1 && matches!(first, "accounts" | "callers" | "pools")
}

/// Whether a text may be the last segment of a name.
pub(crate) fn is_id(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= ID_LENGTH_MAX
        && text.starts_with(letter)
        && text.chars().all(|c| letter(c) || c == '-')
}

fn wrong(text: &str, expected: &str, collections: &[&str]) -> Failure {
    let full: Vec<String> = collections.iter().map(|c| format!("{c}/ID")).collect();
    Failure::Usage(format!(
        "{text:?} does not name {expected} or {} (an ID is 1 to {ID_LENGTH_MAX} of a-z, 0-9 and '-')",
        full.join("/")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_full_names_are_the_same_name() {
        assert_eq!(account("openai").unwrap(), "accounts/openai");
        assert_eq!(account("accounts/openai").unwrap(), "accounts/openai");
        assert_eq!(key("openai/main").unwrap(), "accounts/openai/keys/main");
        assert_eq!(key("accounts/a/keys/k").unwrap(), "accounts/a/keys/k");
        assert_eq!(pool("p").unwrap(), "pools/p");
        assert_eq!(limit("openai/rpm").unwrap(), "accounts/openai/limits/rpm");
        assert_eq!(limit("callers/b/limits/l").unwrap(), "callers/b/limits/l");
        assert_eq!(limit_owner("callers/b").unwrap(), "callers/b");
        assert_eq!(token("b/Ab1").unwrap(), "callers/b/tokens/Ab1");
        assert_eq!(
            token("callers/b/tokens/Ab1").unwrap(),
            "callers/b/tokens/Ab1"
        );
        assert_eq!(member("openai/main").unwrap(), "accounts/openai/keys/main");
        assert_eq!(
            key_or_version("o/m/3").unwrap(),
            "accounts/o/keys/m/versions/3"
        );
        assert_eq!(key_or_version("o/m").unwrap(), "accounts/o/keys/m");
    }

    #[test]
    fn a_name_of_another_kind_or_with_wrong_letters_is_refused() {
        for text in [
            "",
            "a/b",
            "pools/a",
            "Accounts/a",
            "accounts/",
            "accounts/A",
            "a_b",
            "-a",
            "a/",
        ] {
            assert!(account(text).is_err(), "{text}");
        }
        assert!(key("accounts/openai").is_err(), "an account is not a key");
        assert!(key("openai").is_err());
        assert!(pool(&"a".repeat(64)).is_err());
        assert!(pool(&"a".repeat(63)).is_ok());
        assert!(token("a/b/c").is_err());
    }

    #[test]
    fn a_refusal_names_both_forms() {
        let Err(Failure::Usage(message)) = key("openai") else {
            panic!("not refused")
        };
        assert!(message.contains("openai/main"), "{message}");
        assert!(message.contains("accounts/ID/keys/ID"), "{message}");
    }

    #[test]
    fn a_name_splits_into_parent_and_id() {
        assert_eq!(split("accounts/a/keys/k"), ("accounts/a", "k"));
        assert_eq!(split("pools/p"), ("", "p"));
    }
}
