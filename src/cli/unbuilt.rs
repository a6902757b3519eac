//! What the server of this version would refuse as not built, said in the help: from the list that the refusals are made of.

use crate::proto::unbuilt::Unbuilt;

/// Examples, and below them what can be asked for in vain.
pub(crate) fn help(examples: &str, unbuilt: &[Unbuilt]) -> String {
    let lines = unbuilt
        .iter()
        .map(|u| format!("\n  {}: {}", u.flag, u.remedy));
    let lines: String = lines.collect();
    format!("{examples}\n\nNot built yet, and refused by the server:{lines}")
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    use crate::cli::{callers, limits};
    use crate::proto::unbuilt::{OF_CALLERS, OF_LIMITS, Unbuilt};

    fn long_help(command: Command, path: &[&str]) -> (Command, String) {
        let mut found = command;
        for name in path {
            found = found.find_subcommand(name).unwrap().clone();
        }
        let text = found.render_long_help().to_string();
        (found, text)
    }

    #[test]
    fn every_choice_that_is_not_built_is_named_by_the_help_of_its_verbs() {
        let limits = || limits::Limits::augment_args(Command::new("limits"));
        let callers = || callers::Callers::augment_args(Command::new("callers"));
        let cases: [(Command, &[&str], &[Unbuilt]); 4] = [
            (limits(), &["create"], OF_LIMITS),
            (limits(), &["update"], OF_LIMITS),
            (callers(), &["create"], OF_CALLERS),
            (callers(), &["update"], OF_CALLERS),
        ];
        for (command, path, unbuilt) in cases {
            let (command, text) = long_help(command, path);
            let (_, named) = text.split_once("Not built yet").unwrap();
            for choice in unbuilt {
                assert!(named.contains(choice.flag), "{path:?}: {choice:?}\n{text}");
                for flag in choice.flag.split(", ").filter_map(|f| f.strip_prefix("--")) {
                    let flag = flag.split(' ').next().unwrap();
                    let mut arguments = command.get_arguments();
                    let is_there = arguments.any(|argument| argument.get_long() == Some(flag));
                    assert!(is_there, "{path:?} has no --{flag}");
                }
            }
        }
    }
}
