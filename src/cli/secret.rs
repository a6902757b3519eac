//! Secrets on their way to the vault: read from a file or from stdin, never from argv, wiped when dropped.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::placeholders::is_placeholder;
use crate::proto;

/// A secret is at most 16 KiB by the contract; a file of its parts has at most 8 of them.
const SECRET_FILE_BYTES_MAX: u64 = 256 * 1024;

/// Text that must not be seen: wiped when dropped, redacted in Debug.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(redacted)")
    }
}

/// Where a secret comes from.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct SecretArgs {
    /// Read the secret from standard input, up to its end; one newline at the end is dropped
    #[arg(long)]
    secret_stdin: bool,
    /// Read the secret from a file; one newline at the end is dropped
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Read a credential of several parts from a JSON file, such as {"key_id": "…", "secret": "…"}; "-" reads standard input
    #[arg(long, value_name = "FILE")]
    fields_file: Option<PathBuf>,
}

impl SecretArgs {
    /// Reads the secret, if one was named.
    pub(crate) fn read(&self) -> Result<Option<proto::Secret>, Failure> {
        if let Some(path) = &self.fields_file {
            let text = read_text(path).map_err(|failure| failure.of_flag("--fields-file"))?;
            return fields(&text).map(Some);
        }
        let text = match (&self.secret_file, self.secret_stdin) {
            (Some(path), _) => {
                read_text(path).map_err(|failure| failure.of_flag("--secret-file"))?
            }
            (None, true) => read_text(Path::new("-"))?,
            (None, false) => return Ok(None),
        };
        value(&text).map(Some)
    }

    /// Reads the secret; there has to be one.
    pub(crate) fn require(&self) -> Result<proto::Secret, Failure> {
        self.read()?.ok_or_else(|| {
            Failure::Usage("no secret: give --secret-stdin, --secret-file or --fields-file".into())
        })
    }
}

/// Reads a bounded UTF-8 file, "-" for standard input.
fn read_text(path: &Path) -> Result<SecretText, Failure> {
    let bytes = read_bounded(path, SECRET_FILE_BYTES_MAX)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(SecretText::new(text.to_owned())),
        Err(_) => Err(Failure::Usage(format!("{}: not UTF-8", path.display()))),
    }
}

/// Reads a file of at most `bytes_max`, "-" for standard input, into memory that is wiped.
pub(crate) fn read_bounded(path: &Path, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Reserved at once, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max as usize + 1));
    let read = if path == Path::new("-") {
        io::stdin().take(bytes_max + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::Usage(format!(
            "{}: larger than {} KiB",
            path.display(),
            bytes_max / 1024
        )));
    }
    Ok(bytes)
}

/// Drops the one line end that editors and `echo` put there.
pub(crate) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn value(text: &SecretText) -> Result<proto::Secret, Failure> {
    let text = without_line_end(text.expose());
    if text.is_empty() {
        return Err(Failure::Usage("the secret is empty".into()));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::Usage(
            "the secret has a control character, such as a second line: give the bare key".into(),
        ));
    }
    if is_placeholder(text) {
        return Err(Failure::Usage(
            "the secret is a placeholder, such as your-key-here: give the key itself".into(),
        ));
    }
    Ok(proto::Secret {
        value: text.to_owned(),
        ..proto::Secret::default()
    })
}

fn fields(text: &SecretText) -> Result<proto::Secret, Failure> {
    // serde_json names line and column, and for a wrong type the value: only the place may be told.
    let fields = serde_json::from_str::<HashMap<String, String>>(text.expose()).map_err(|e| {
        Failure::Usage(format!(
            "--fields-file: not a JSON object of strings (line {}, column {})",
            e.line(),
            e.column()
        ))
    })?;
    if fields.is_empty() {
        return Err(Failure::Usage("--fields-file: no fields".into()));
    }
    Ok(proto::Secret {
        fields: fields.into_iter().collect(),
        ..proto::Secret::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_dropped_and_a_second_line_refused() {
        let read = |text: &str| value(&SecretText::new(text.into())).map(|secret| secret.value);
        assert_eq!(read("sk-1\r\n").unwrap(), "sk-1");
        assert_eq!(read("sk-1").unwrap(), "sk-1");
        assert!(
            read("canary\nsecond")
                .unwrap_err()
                .message()
                .contains("control character")
        );
        assert!(read("\n").unwrap_err().message().contains("empty"));
    }

    #[test]
    fn a_secret_that_waits_to_be_filled_in_is_refused_and_not_repeated() {
        for text in ["your-key-here", "sk-xxxxxxxx\n", "<canary>", "changeme"] {
            let refused = value(&SecretText::new(text.into())).unwrap_err().message();
            assert!(refused.contains("is a placeholder"), "{refused}");
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn a_wrong_fields_file_is_refused_without_its_content() {
        for text in [
            r#"{"a": canary}"#,
            r#"{"a": 71717171}"#,
            r#"["canary"]"#,
            "canary",
            "{}",
        ] {
            let refused = fields(&SecretText::new(text.into())).unwrap_err().message();
            assert!(!refused.contains("canary"), "{refused}");
            assert!(!refused.contains("7171"), "{refused}");
        }
        let read = fields(&SecretText::new(r#"{"id": "x", "key": "y"}"#.into())).unwrap();
        assert_eq!(read.fields["key"], "y");
    }

    #[test]
    fn debug_never_shows_the_text() {
        assert!(!format!("{:?}", SecretText::new("canary".into())).contains("canary"));
    }
}
