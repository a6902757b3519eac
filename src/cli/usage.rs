//! A command line that does not parse: told without what may be a secret, and as JSON to who asked for JSON.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::errors::Report;
use super::failure::Failure;

/// The same command with "-5" and "-2h" read as values that are too small wherever a flag takes a number or a duration, not as flags that
/// nobody knows.
pub fn with_negative_numbers(command: Command) -> Command {
    let is_duration = |argument: &Arg| {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().any(|name| name == "DURATION")
    };
    let read = |argument: Arg| {
        let takes_values = argument.get_action().takes_values();
        let is_value = takes_values && !argument.is_positional();
        let is_duration = is_value && is_duration(&argument);
        let argument = argument.allow_negative_numbers(is_value);
        argument.allow_hyphen_values(is_duration)
    };
    let command = command.mut_args(read);
    command.mut_subcommands(with_negative_numbers)
}

/// Stands for an argument that is not repeated.
const NOT_SHOWN: &str = "(not shown)";

/// The same mistake without the argument that was too many: people try to give a secret there, and what is printed stays in logs.
pub fn without_arguments(
    mut error: clap::Error,
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> clap::Error {
    let kind = if error.kind() == ErrorKind::UnknownArgument {
        ContextKind::InvalidArg
    } else if error.kind() == ErrorKind::TooManyValues {
        ContextKind::InvalidValue
    } else {
        return error;
    };
    // A flag misspelt is no secret, and is told to be mended.
    let shown =
        matches!(error.get(kind), Some(ContextValue::String(text)) if text.starts_with("--"));
    if shown {
        return error;
    }
    error.insert(kind, ContextValue::String(NOT_SHOWN.to_owned()));
    let of_keys = arguments.into_iter().any(|argument| argument == "keys");
    let tip = if of_keys {
        "secrets are never taken as arguments: give --secret-stdin or --secret-file, and rotate this one if it is a secret, since the \
         command line was seen by other processes"
    } else {
        "an argument too many is not repeated, since it may be a secret"
    };
    let tips = vec![StyledStr::from(tip)];
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    error
}

/// What to say about a command line that does not parse; `None` where the parser's own text is wanted: help that was asked for, or no
/// `--json` among the arguments.
pub fn usage_as_json(
    error: &clap::Error,
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Option<String> {
    // Whatever follows two dashes is a value.
    let mut flags = arguments
        .into_iter()
        .take_while(|argument| argument != "--");
    if !error.use_stderr() || !flags.any(|argument| argument == "--json") {
        return None;
    }
    let (message, remedy) = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        ("a command is missing".to_owned(), "see --help".to_owned())
    } else {
        sentence(&error.render().to_string())
    };
    let report = Report::of(&Failure::Usage(message), "");
    Some(report.with_remedy(remedy).json())
}

/// The parser's text up to the first empty line, and what it says after that, each on one line.
fn sentence(text: &str) -> (String, String) {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (line(message), line(rest))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Binary {
        #[command(subcommand)]
        command: crate::cli::Command,
    }

    fn told(line: &str) -> Option<serde_json::Value> {
        let arguments = line.split(' ');
        let error = Binary::try_parse_from(arguments.clone()).unwrap_err();
        let json = usage_as_json(&error, arguments.map(Into::into))?;
        Some(serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn a_wrong_line_is_json_where_json_was_asked_for() {
        let told = told("keylease lease p --max-wait soon --json").unwrap();
        let error = &told["error"];
        assert_eq!(error["code"], "USAGE");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("'--max-wait <DURATION>'"), "{message}");
        assert!(error["remedy"].as_str().unwrap().contains("--help"));
    }

    #[test]
    fn an_argument_too_many_is_never_repeated() {
        for line in [
            "keylease keys create openai/k2 sk-proj-inargv",
            "keylease keys create openai/k2 -sk-proj-inargv",
            "keylease keys rotate openai/k2 --secret-stdin=sk-proj-inargv",
            "keylease keys rotate openai/k2 --secret-stdin sk-proj-inargv",
            "keylease keys import .env sk-proj-inargv",
        ] {
            let arguments = line.split(' ');
            let error = Binary::try_parse_from(arguments.clone()).unwrap_err();
            let error = without_arguments(error, arguments.map(Into::into));
            let told = error.render().to_string();
            assert!(!told.contains("inargv"), "{told}");
            assert!(told.contains("--secret-stdin or --secret-file"), "{told}");
        }
    }

    #[test]
    fn a_negative_number_is_a_value_that_is_too_small() {
        use clap::CommandFactory;

        for (line, why) in [
            ("prices list --page-size -5", "-5 is not in 1..=1000"),
            ("keys disable openai/main --for -2h", "'-2h' for '--for"),
        ] {
            let told = |mut command: Command| {
                let line = ["keylease"].into_iter().chain(line.split(' '));
                let parsed = command.try_get_matches_from_mut(line);
                parsed.unwrap_err().render().to_string()
            };
            assert!(told(Binary::command()).contains("unexpected argument"));
            let told = told(with_negative_numbers(Binary::command()));
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_flag_misspelt_is_told() {
        let line = "keylease keys create openai/k2 --secret-stidn";
        let error = Binary::try_parse_from(line.split(' ')).unwrap_err();
        let error = without_arguments(error, line.split(' ').map(Into::into));
        let told = error.render().to_string();
        assert!(told.contains("--secret-stidn"), "{told}");
    }

    #[test]
    fn a_missing_command_is_named_and_what_is_missing_too() {
        let error = &told("keylease accounts --json").unwrap()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("requires a subcommand"), "{message}");
        let error = &told("keylease --json limits create").unwrap()["error"];
        assert!(!error["message"].as_str().unwrap().is_empty());
        let error = &told("keylease limits create --json a/b").unwrap()["error"];
        assert!(error["message"].as_str().unwrap().contains("--dimension"));
    }

    #[test]
    fn help_and_lines_without_the_flag_stay_text() {
        assert!(told("keylease lease --help --json").is_none());
        assert!(told("keylease lease p --max-wait soon").is_none());
        assert!(told("keylease lease p extra -- --json").is_none());
    }
}
