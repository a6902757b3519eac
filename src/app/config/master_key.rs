//! Where the master key comes from: exactly one of four variables.

use std::{env, fmt, path::Path};

use super::{arguments::MasterKeyArguments, problems::given_path, secret_file};
use crate::crypto::{KeyRing, Secret};

/// The same bound as the key derivation's, found here so that the variable can be named.
const PASSPHRASE_BYTES_MIN: usize = 12;

/// The variables that hold a secret themselves. They have no flag, since every process of the machine sees flags.
#[derive(Default)]
pub struct SecretVariables {
    /// KEYLEASE_MASTER_KEY
    pub master_key: Option<Secret>,
    /// KEYLEASE_PASSPHRASE
    pub passphrase: Option<Secret>,
}

impl SecretVariables {
    /// As this process was given them.
    pub fn of_environment() -> Self {
        let read = |name| {
            let text = env::var(name).ok()?;
            (!text.trim().is_empty()).then(|| Secret::from_string(text))
        };
        Self {
            master_key: read("KEYLEASE_MASTER_KEY"),
            passphrase: read("KEYLEASE_PASSPHRASE"),
        }
    }
}

impl fmt::Debug for SecretVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretVariables(redacted)")
    }
}

/// What opens the vault.
#[derive(Debug)]
pub enum MasterKeySource {
    /// The keys themselves.
    Ring(KeyRing),
    /// A passphrase; salt and costs are in the database.
    Passphrase(Secret),
}

/// The one source that is given.
pub(super) fn parse(
    arguments: &MasterKeyArguments,
    variables: SecretVariables,
    warnings: &mut Vec<String>,
) -> Result<MasterKeySource, String> {
    let sources = (
        given_path(arguments.master_key_file.as_ref()),
        variables.master_key,
        given_path(arguments.passphrase_file.as_ref()),
        variables.passphrase,
    );
    match sources {
        (Some(path), None, None, None) => ring_file(&path, warnings),
        (None, Some(text), None, None) => ring("KEYLEASE_MASTER_KEY", &text),
        (None, None, Some(path), None) => {
            let text = secret_file::read("KEYLEASE_PASSPHRASE_FILE", &path, warnings)?;
            passphrase("KEYLEASE_PASSPHRASE_FILE", &text)
        }
        (None, None, None, Some(text)) => passphrase("KEYLEASE_PASSPHRASE", &text),
        (None, None, None, None) => Err(
            "no master key: set KEYLEASE_MASTER_KEY_FILE to a file made by `keylease master-key generate --out FILE`, or one of \
             KEYLEASE_MASTER_KEY, KEYLEASE_PASSPHRASE_FILE and KEYLEASE_PASSPHRASE"
                .to_owned(),
        ),
        (a, b, c, d) => Err(too_many([a.is_some(), b.is_some(), c.is_some(), d.is_some()])),
    }
}

fn too_many(given: [bool; 4]) -> String {
    let names = [
        "KEYLEASE_MASTER_KEY_FILE",
        "KEYLEASE_MASTER_KEY",
        "KEYLEASE_PASSPHRASE_FILE",
        "KEYLEASE_PASSPHRASE",
    ];
    let given: Vec<&str> = names
        .into_iter()
        .zip(given)
        .filter_map(|(name, given)| given.then_some(name))
        .collect();
    format!(
        "{} are set, and the master key has one source: unset all but one",
        given.join(" and ")
    )
}

fn ring_file(path: &Path, warnings: &mut Vec<String>) -> Result<MasterKeySource, String> {
    let name = "KEYLEASE_MASTER_KEY_FILE";
    let text = secret_file::read(name, path, warnings)?;
    ring(&format!("{name} ({})", path.display()), &text)
}

fn ring(name: &str, text: &Secret) -> Result<MasterKeySource, String> {
    let text = std::str::from_utf8(text.expose()).map_err(|_| format!("{name} is not text"))?;
    let ring = KeyRing::parse(text).map_err(|problem| {
        format!("{name}: {problem}; `keylease master-key generate` makes one")
    })?;
    Ok(MasterKeySource::Ring(ring))
}

/// The line without its end, which editors add.
fn passphrase(name: &str, text: &Secret) -> Result<MasterKeySource, String> {
    let bytes = text.expose();
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'))
        .map_or(0, |last| last + 1);
    if end < PASSPHRASE_BYTES_MIN {
        return Err(format!(
            "{name} holds a passphrase of {end} bytes: it needs at least {PASSPHRASE_BYTES_MIN}"
        ));
    }
    Ok(MasterKeySource::Passphrase(Secret::new(
        bytes[..end].to_vec(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(variables: SecretVariables, arguments: &MasterKeyArguments) -> String {
        parse(arguments, variables, &mut Vec::new()).unwrap_err()
    }

    fn secret(text: &str) -> Option<Secret> {
        Some(Secret::from_string(text.to_owned()))
    }

    #[test]
    fn two_sources_are_refused_by_name() {
        let variables = SecretVariables {
            master_key: secret("klmk1_x"),
            passphrase: secret("correct horse battery"),
        };
        assert_eq!(
            problem(variables, &MasterKeyArguments::default()),
            "KEYLEASE_MASTER_KEY and KEYLEASE_PASSPHRASE are set, and the master key has one source: unset all but one"
        );
    }

    #[test]
    fn no_source_is_refused_with_the_way_to_make_one() {
        let problem = problem(SecretVariables::default(), &MasterKeyArguments::default());
        assert!(
            problem.contains("keylease master-key generate"),
            "{problem}"
        );
    }

    #[test]
    fn a_bad_key_is_refused_without_repeating_it() {
        let variables = SecretVariables {
            master_key: secret("klmk1_canary"),
            passphrase: None,
        };
        let problem = problem(variables, &MasterKeyArguments::default());
        assert!(
            problem.starts_with("KEYLEASE_MASTER_KEY: line 1"),
            "{problem}"
        );
        assert!(!problem.contains("canary"), "{problem}");
    }

    #[test]
    fn a_passphrase_loses_its_line_end_and_nothing_else() {
        let text = Secret::from_string(" correct horse \r\n".to_owned());
        let Ok(MasterKeySource::Passphrase(found)) = passphrase("X", &text) else {
            unreachable!("it is long enough")
        };
        assert_eq!(found.expose(), b" correct horse ");
    }
}
