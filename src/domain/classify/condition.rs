//! How the conditions of a rule are written.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};

use super::evidence::Shape;
use super::glob::Glob;
use crate::domain::health::FailureClass;
use crate::domain::pool::TTL_MAX;

/// The shortest cooldown that a rule may set.
const COOLDOWN_MIN: Duration = Duration::from_secs(1);

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
/// It compiles to at most so many bytes, since it takes time in proportion to that, and to nothing else.
pub(super) fn pattern(any_of: &[String], bytes_max: usize) -> Result<Option<Regex>, String> {
    if any_of.is_empty() {
        return Ok(None);
    }
    for one in any_of {
        if one.chars().any(char::is_uppercase) {
            return Err(format!(
                "pattern {one:?} must be lower case, as the texts are that it is compared with"
            ));
        }
    }
    let joined: Vec<_> = any_of.iter().map(|one| format!("(?:{one})")).collect();
    let regex = RegexBuilder::new(&joined.join("|"))
        .unicode(false)
        .size_limit(bytes_max)
        .dfa_size_limit(bytes_max)
        .build();
    regex.map(Some).map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return format!(
                "patterns {any_of:?} pass the size of {bytes_max} bytes when compiled; repeat less, or make two rules of it"
            );
        }
        // It draws the pattern and points at the place; what is wrong stands in its last line.
        let drawn = error.to_string();
        let what = drawn.lines().last().unwrap_or_default();
        let what = what.trim_start_matches("error: ");
        format!("patterns {any_of:?} are no regular expressions: {what}")
    })
}

/// One of those with a name.
pub(super) fn one_of<T>(
    field: &str,
    written: &str,
    all: impl Iterator<Item = (&'static str, T)>,
) -> Result<T, String> {
    let mut names = Vec::new();
    for (name, one) in all {
        if name == written {
            return Ok(one);
        }
        names.push(name);
    }
    let names = names.join(", ");
    Err(format!("{field} {written:?} must be one of {names}"))
}

/// How long what a rule blames cools where the response states nothing.
pub(super) fn cooldown_of(
    written: Option<&str>,
    class: FailureClass,
) -> Result<Option<Duration>, String> {
    let Some(written) = written else {
        return Ok(None);
    };
    if !matches!(class, FailureClass::Quota | FailureClass::RateLimit) {
        return Err(format!(
            "cooldown {written:?} is for the classes quota and rate_limit only; remove it"
        ));
    }
    let parsed = humantime::parse_duration(written).ok();
    let within = parsed.filter(|cooldown| (COOLDOWN_MIN..=TTL_MAX).contains(cooldown));
    let bounds = || format!("cooldown {written:?} must be from 1s to 31days, such as 10m or 2h");
    within.map(Some).ok_or_else(bounds)
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
    let all = [
        ("empty", Shape::Empty),
        ("json", Shape::Json),
        ("events", Shape::Events),
        ("html", Shape::Html),
        ("text", Shape::Text),
    ];
    one_of("body", written, all.into_iter())
}
