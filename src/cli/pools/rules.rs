//! The rules of a pool: read from a file, shown by their names.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::secret::read_bounded;
use crate::domain::classify::{POOL_RULES_BYTES_MAX, PoolRules};

/// Reads a file of rules. The server parses them: it may be of another release.
pub(super) fn file(path: &str) -> Result<String, String> {
    let bytes = read_bounded(Path::new(path), POOL_RULES_BYTES_MAX as u64);
    let bytes = bytes.map_err(Failure::message)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| "is no UTF-8".to_owned())?;
    if text.trim().is_empty() {
        return Err("is empty; remove the rules with `--clear failure-rules`".to_owned());
    }
    Ok(text)
}

/// The names of the rules, in order; the whole text is in the JSON form.
pub(super) fn names(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let rules = PoolRules::stored(text.to_owned());
    match rules.fault() {
        None => rules.ids().collect::<Vec<_>>().join(", "),
        Some(fault) => format!("not read by this release: {fault}"),
    }
}
