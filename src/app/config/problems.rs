//! Mistakes in a configuration, gathered, so that one start names all of them.

use std::path::PathBuf;

/// What is wrong with the configuration: one sentence per mistake, each naming the variable, the bound and the remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct ConfigError(Vec<String>);

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// The value, or none and one mistake more.
    pub(super) fn take<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }

    /// So many mistakes more.
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = String>) {
        self.0.extend(problems);
    }

    /// All mistakes; called when a value is missing, so there is at least one.
    pub(super) fn into_error(self) -> ConfigError {
        ConfigError(self.0)
    }

    /// Fails if there was any mistake.
    pub(super) fn none(self) -> Result<(), ConfigError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }
}

fn listed(problems: &[String]) -> String {
    match problems {
        [one] => format!("the configuration is wrong: {one}"),
        many => {
            let lines: Vec<String> = many
                .iter()
                .map(|problem| format!("\n  - {problem}"))
                .collect();
            format!(
                "the configuration is wrong in {} places:{}",
                many.len(),
                lines.concat()
            )
        }
    }
}

/// An environment variable that is set to nothing counts as not set, as deployment files often have it.
pub(super) fn given(value: Option<&String>) -> Option<&str> {
    value
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
}

/// The same for a path.
pub(super) fn given_path(value: Option<&PathBuf>) -> Option<PathBuf> {
    value.filter(|path| !path.as_os_str().is_empty()).cloned()
}
