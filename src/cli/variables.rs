//! How variables of the environment are read: set to nothing is not set, and a switch is what people write.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// A path; an empty one is passed on, since a variable that is set to nothing counts as not set.
pub(super) fn path_or_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// The path, if it is one.
pub(super) fn given(path: Option<&PathBuf>) -> Option<&PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty())
}

/// As the server reads its variable of this name.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("the flag has no value, and KEYLEASE_INSECURE_PLAINTEXT is true or false"),
    }
}
