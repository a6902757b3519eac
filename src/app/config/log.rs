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
    for directive in NEVER_BELOW_INFO {
        // These are constants and parse; a test says so.
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    Ok(filter)
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
    fn what_is_no_filter_is_refused() {
        let problem = filter(&with("keylease=loud")).unwrap_err();
        assert!(problem.starts_with("KEYLEASE_LOG is"), "{problem}");
        assert!(LogFormat::parse("xml").is_err());
    }
}
