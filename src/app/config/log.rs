//! What is logged and how.

use tracing_subscriber::EnvFilter;

use super::arguments::LogArguments;

/// Below this these crates print what passes through them: headers, so tokens, and bodies, so provider keys.
const NEVER_BELOW_INFO: [&str; 9] = [
    "h2=info",
    "hyper=info",
    "hyper_util=info",
    "tonic=info",
    "tower=info",
    "rustls=info",
    "tokio_util=info",
    "sqlx=info",
    // Not headers, but noise: what migrations find there already.
    "sqlx::postgres::notice=warn",
];

/// The crates of [`NEVER_BELOW_INFO`].
const QUIET: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "rustls",
    "tokio_util",
    "sqlx",
];
/// Levels that show nothing of what passes, by name and by number.
const LEVELS_QUIET: [&str; 8] = ["off", "error", "warn", "info", "0", "1", "2", "3"];
/// The other levels.
const LEVELS_LOUD: [&str; 4] = ["debug", "trace", "4", "5"];
/// The levels, for messages.
const LEVELS: &str = "off, error, warn, info, debug, trace";

/// What is logged and how.
#[derive(Debug)]
pub struct LogConfig {
    /// What.
    pub filter: EnvFilter,
    /// How.
    pub format: LogFormat,
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!(
                "KEYLEASE_LOG_FORMAT is {other:?}: use text or json"
            )),
        }
    }
}

/// The filter.
pub(super) fn filter(arguments: &LogArguments) -> Result<EnvFilter, String> {
    let text = arguments.filter.trim();
    let mut filter = EnvFilter::try_new(text).map_err(|_| {
        format!(
            "KEYLEASE_LOG is {text:?}, which is no filter: write a level (error, warn, info, debug, trace) or info,keylease::live=debug"
        )
    })?;
    if let Some(directive) = text.split(',').find(|part| gets_around(part)) {
        return Err(format!(
            "KEYLEASE_LOG has {directive:?}, which would log what passes through a library, so tokens and provider keys: leave it out; \
             levels of parts of {} below info, and levels of spans, are not taken",
            QUIET.join(", ")
        ));
    }
    if let Some(part) = text.split(',').find(|part| names_no_level(part)) {
        let part = part.trim();
        return Err(format!(
            "KEYLEASE_LOG has {part:?}, which is no level ({LEVELS}): write one of these, or a level for a target, as in info,keylease::live=debug"
        ));
    }
    for directive in NEVER_BELOW_INFO {
        // These are constants and parse; a test says so.
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    Ok(filter)
}

/// Whether a directive is more specific than those of [`NEVER_BELOW_INFO`], which it would win against.
fn gets_around(directive: &str) -> bool {
    // A level of a span holds for whatever is logged within, by any crate.
    if directive.contains(['[', ']', '{', '}']) {
        return true;
    }
    let (target, level) = directive.split_once('=').unwrap_or((directive, "trace"));
    // Targets are compared by their beginnings, so that a single colon is below a crate as well.
    let below = |name: &&str| {
        let rest = target.trim().strip_prefix(*name);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    let level = level.trim().to_ascii_lowercase();
    let is_quiet = LEVELS_QUIET.contains(&level.as_str());
    !is_quiet && QUIET.iter().any(below)
}

/// Whether a part is a slip: the filter takes any word for a target, so that a level misspelt would silence everything.
fn names_no_level(part: &str) -> bool {
    let is_level = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        LEVELS_QUIET.contains(&text.as_str()) || LEVELS_LOUD.contains(&text.as_str())
    };
    match part.split_once('=') {
        Some((_, level)) => !is_level(level),
        None => {
            let word = part.trim();
            // A path is meant as a target, and so is our own name.
            let is_target = word.is_empty() || word == "keylease" || word.contains("::");
            !is_target && !is_level(word)
        }
    }
}

/// The format.
pub(super) fn format(arguments: &LogArguments) -> Result<LogFormat, String> {
    LogFormat::parse(&arguments.format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(filter: &str) -> LogArguments {
        LogArguments {
            filter: filter.to_owned(),
            format: "text".to_owned(),
        }
    }

    #[test]
    fn crates_that_print_headers_stay_quiet_whatever_the_filter_says() {
        let text = filter(&with("trace,h2=trace")).unwrap().to_string();
        for directive in NEVER_BELOW_INFO {
            assert!(
                text.split(',').any(|part| part == directive),
                "{directive} in {text}"
            );
        }
        assert!(!text.contains("h2=trace"), "{text}");
    }

    #[test]
    fn parts_of_those_crates_and_spans_are_no_way_around() {
        for text in [
            "h2::proto=trace",
            "info, h2::codec::framed_read = DEBUG",
            "h2:=trace",
            "hyper_util::client",
            "tonic::transport=5",
            "sqlx::query=debug",
            "[lease]=trace",
            "info,keylease[lease{key}]=debug",
        ] {
            let problem = filter(&with(text)).unwrap_err();
            assert!(problem.starts_with("KEYLEASE_LOG"), "{text}: {problem}");
        }
        for text in ["debug,h2::proto=warn", "keylease::live=trace", "h2=trace"] {
            assert!(filter(&with(text)).is_ok(), "{text}");
        }
    }

    #[test]
    fn every_crate_that_stays_quiet_has_its_directive() {
        for name in QUIET {
            let directive = format!("{name}=info");
            assert!(NEVER_BELOW_INFO.contains(&directive.as_str()), "{name}");
        }
    }

    #[test]
    fn a_level_misspelt_is_refused_and_a_target_is_not() {
        for text in [
            "debgu",
            "info,wran",
            "sqlx",
            "keylease::live=debgu",
            "info,a=",
        ] {
            let problem = filter(&with(text)).unwrap_err();
            assert!(problem.starts_with("KEYLEASE_LOG"), "{text}: {problem}");
            assert!(
                problem.contains("error, warn, info, debug, trace"),
                "{text}: {problem}"
            );
        }
        for text in [
            "off",
            "INFO",
            "3",
            "warn,keylease=debug",
            "keylease",
            "keylease::live",
            "info,some_crate::part=trace",
        ] {
            assert!(filter(&with(text)).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let problem = filter(&with("keylease=loud")).unwrap_err();
        assert!(problem.starts_with("KEYLEASE_LOG is"), "{problem}");
        assert!(LogFormat::parse("xml").is_err());
    }
}
