//! The rules of a pool: read from a file, shown by their names.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::secret::read_bounded;
use crate::cli::words;

/// The server takes no longer text.
const BYTES_MAX: u64 = 16 * 1024;

/// Reads a file of rules. The server parses them: it may be of another release.
pub(super) fn file(path: &str) -> Result<String, String> {
    let bytes = read_bounded(Path::new(path), BYTES_MAX);
    let bytes = bytes.map_err(Failure::message)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| "is no UTF-8".to_owned())?;
    if text.trim().is_empty() {
        return Err("is empty; remove the rules with `--clear failure-rules`".to_owned());
    }
    Ok(text)
}

/// The names of the rules, in order; the whole text is in the JSON form.
pub(super) fn names(text: &str) -> String {
    let Ok(file) = toml::from_str::<toml::Table>(text) else {
        return "not TOML as this client reads it".to_owned();
    };
    let rules = file.get("rule").and_then(toml::Value::as_array);
    let ids = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.get("id")?.as_str());
    let named = ids.map(|id| format!("pool/{}", words::printable(id)));
    named.collect::<Vec<_>>().join(", ")
}
