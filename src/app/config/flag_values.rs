//! How the text of flags and variables is taken before anything is checked.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// A path; an empty one is passed on, since it counts as not set.
pub(super) fn path_or_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// A switch: as people write them, and off where it is set to nothing.
pub(super) fn switch(name: &str, text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("{name} is {text:?}: use true or false")),
    }
}
