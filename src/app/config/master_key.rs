//! Where the master keys come from: variables, files and folders, all of which make one ring.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use super::{arguments::MasterKeyArguments, key_folder, problems::given_path, secret_file};
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
pub struct MasterKeySources {
    /// Keys that stay as they were given at the start.
    fixed: Option<KeyRing>,
    file: Option<PathBuf>,
    folder: Option<PathBuf>,
    /// Passphrases; salts and costs are in the database.
    passphrases: Vec<Secret>,
}

impl MasterKeySources {
    /// These keys and no others.
    pub const fn of_ring(ring: KeyRing) -> Self {
        Self {
            fixed: Some(ring),
            file: None,
            folder: None,
            passphrases: Vec::new(),
        }
    }

    /// What a file holds at any time.
    #[must_use]
    pub const fn of_file(path: PathBuf) -> Self {
        Self {
            fixed: None,
            file: Some(path),
            folder: None,
            passphrases: Vec::new(),
        }
    }

    /// The keys that are there now, files and folders read again; none where there are passphrases alone.
    ///
    /// # Errors
    /// Names the source that cannot be read, and repeats nothing of it.
    pub fn read(&self, warnings: &mut Vec<String>) -> Result<Option<KeyRing>, String> {
        let file = self.file.as_ref().map(|path| ring_file(path, warnings));
        let file = file.transpose()?;
        let folder = self.folder.as_ref();
        let folder = folder.map(|path| key_folder::read("KEYLEASE_MASTER_KEY_DIR", path, warnings));
        let folder = folder.transpose()?;
        let mut rings = file
            .into_iter()
            .chain(folder)
            .chain(self.fixed.clone())
            .peekable();
        if rings.peek().is_none() {
            return Ok(None);
        }
        let joined = KeyRing::join(rings).map_err(|problem| problem.to_string());
        joined.map(Some)
    }

    /// Takes out the passphrases, to derive their keys.
    pub fn take_passphrases(&mut self) -> Vec<Secret> {
        std::mem::take(&mut self.passphrases)
    }

    /// Keys that passphrases gave.
    ///
    /// # Errors
    /// More keys than a ring holds.
    pub fn add(&mut self, ring: KeyRing) -> Result<(), crate::crypto::KeyRingError> {
        let rings = self.fixed.take().into_iter().chain([ring]);
        self.fixed = Some(KeyRing::join(rings)?);
        Ok(())
    }
}

/// All sources that are given; one at least. They are read, so that what is wrong is told at once.
pub(super) fn parse(
    arguments: &MasterKeyArguments,
    variables: SecretVariables,
    warnings: &mut Vec<String>,
) -> Result<MasterKeySources, String> {
    let mut passphrases = Vec::new();
    if let Some(path) = given_path(arguments.passphrase_file.as_ref()) {
        let text = secret_file::read("KEYLEASE_PASSPHRASE_FILE", &path, warnings)?;
        passphrases.push(passphrase("KEYLEASE_PASSPHRASE_FILE", &text)?);
    }
    if let Some(text) = variables.passphrase {
        passphrases.push(passphrase("KEYLEASE_PASSPHRASE", &text)?);
    }
    let text = variables.master_key;
    let fixed = text.map(|text| ring("KEYLEASE_MASTER_KEY", &text));
    let sources = MasterKeySources {
        fixed: fixed.transpose()?,
        file: given_path(arguments.master_key_file.as_ref()),
        folder: given_path(arguments.master_key_dir.as_ref()),
        passphrases,
    };
    if sources.read(warnings)?.is_none() && sources.passphrases.is_empty() {
        return Err(
            "no master key: set KEYLEASE_MASTER_KEY_FILE to a file made by `keylease master-key generate --out FILE`, or one or more of \
             KEYLEASE_MASTER_KEY_DIR, KEYLEASE_MASTER_KEY, KEYLEASE_PASSPHRASE_FILE and KEYLEASE_PASSPHRASE"
                .to_owned(),
        );
    }
    Ok(sources)
}

fn ring_file(path: &Path, warnings: &mut Vec<String>) -> Result<KeyRing, String> {
    let name = "KEYLEASE_MASTER_KEY_FILE";
    let text = secret_file::read(name, path, warnings)?;
    ring(&format!("{name} ({})", path.display()), &text)
}

pub(super) fn ring(name: &str, text: &Secret) -> Result<KeyRing, String> {
    let text = std::str::from_utf8(text.expose()).map_err(|_| format!("{name} is not text"))?;
    KeyRing::parse(text)
        .map_err(|problem| format!("{name}: {problem}; `keylease master-key generate` makes one"))
}

/// The line without its end, which editors add.
fn passphrase(name: &str, text: &Secret) -> Result<Secret, String> {
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
    Ok(Secret::new(bytes[..end].to_vec()))
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
    fn several_sources_make_one_ring_so_that_a_key_can_move_from_one_to_another() {
        let key = crate::crypto::MasterKey::generate().unwrap();
        let text = String::from_utf8(key.to_text().expose().to_vec()).unwrap();
        let variables = SecretVariables {
            master_key: secret(&text),
            passphrase: secret("correct horse battery"),
        };
        let arguments = MasterKeyArguments::default();
        let mut sources = parse(&arguments, variables, &mut Vec::new()).unwrap();
        assert_eq!(sources.take_passphrases().len(), 1);
        let other = crate::crypto::MasterKey::generate().unwrap();
        let wanted = [key.fingerprint(), other.fingerprint()];
        sources.add(KeyRing::new(other, vec![]).unwrap()).unwrap();
        let ring = sources.read(&mut Vec::new()).unwrap().unwrap();
        assert_eq!(ring.fingerprints(), wanted);
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
        let found = passphrase("X", &text).unwrap();
        assert_eq!(found.expose(), b" correct horse ");
    }
}
