//! How the conditions of a rule are written.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use super::evidence::Shape;
use super::glob::Glob;

/// The largest compiled pattern: patterns take time in proportion to it.
const PATTERN_BYTES_MAX: usize = 512 * 1024;

/// What precedes the end of a path ends with a whole name.
pub(super) fn ends_a_name(before: &str) -> bool {
    before.is_empty() || before.ends_with('.')
}

pub(super) fn each<T>(
    written: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    written.iter().map(|one| parse(one)).collect()
}

pub(super) fn globs(written: &BTreeMap<String, String>) -> Result<Vec<(String, Glob)>, String> {
    let parse = |(name, glob): (&String, &String)| {
        Ok((name.to_lowercase(), Glob::parse(glob, str::to_lowercase)?))
    };
    written.iter().map(parse).collect()
}

/// Any of the patterns. Texts are lower case, so patterns have to be; bytes, so that `.` costs one state and not ten.
pub(super) fn pattern(any_of: &[String]) -> Result<Option<Regex>, String> {
    if any_of.is_empty() {
        return Ok(None);
    }
    for one in any_of {
        if one.chars().any(char::is_uppercase) {
            return Err(format!("pattern {one:?} must be lower case"));
        }
    }
    let joined: Vec<_> = any_of.iter().map(|one| format!("(?:{one})")).collect();
    let regex = RegexBuilder::new(&joined.join("|"))
        .unicode(false)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build();
    regex
        .map(Some)
        .map_err(|error| format!("pattern {any_of:?}: {error}"))
}

/// `429`, `5xx` or `520-530`.
pub(super) fn statuses_of(written: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("status {written:?} must be such as 429, 5xx or 520-530");
    if let Some(hundreds) = written.strip_suffix("xx") {
        let hundreds: u16 = hundreds.parse().map_err(|_| wrong())?;
        return Ok((hundreds * 100, hundreds * 100 + 99));
    }
    let (low, high) = written.split_once('-').unwrap_or((written, written));
    let parse = |text: &str| text.parse().map_err(|_| wrong());
    Ok((parse(low)?, parse(high)?))
}

pub(super) fn shape_of(written: &str) -> Result<Shape, String> {
    match written {
        "empty" => Ok(Shape::Empty),
        "json" => Ok(Shape::Json),
        "events" => Ok(Shape::Events),
        "html" => Ok(Shape::Html),
        "text" => Ok(Shape::Text),
        _ => Err(format!("body {written:?} is none")),
    }
}
