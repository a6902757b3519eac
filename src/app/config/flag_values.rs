//! How the text of flags and variables is taken before anything is checked.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// A path; an empty one is passed on, since it counts as not set.
pub(super) fn path_or_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Yes or no; an empty variable counts as not set.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("use true or false"),
    }
}
