//! Tests of `mod.rs`.

use clap::{CommandFactory, Parser};

#[derive(Debug, Parser)]
struct Binary {
    #[command(subcommand)]
    command: super::Command,
}

#[test]
fn every_flag_and_help_text_is_consistent() {
    Binary::command().debug_assert();
}

#[test]
fn flags_of_the_connection_may_stand_anywhere() {
    for line in [
        "keylease accounts --json list",
        "keylease accounts list --json --server h:1",
        "keylease status openai --watch --json",
        "keylease report -abc --status 429 --header retry-after:5 --json",
    ] {
        let parsed = Binary::try_parse_from(line.split(' '));
        assert!(parsed.unwrap().command.client().json, "{line}");
    }
}

#[test]
fn an_outcome_is_one_thing_and_has_to_be_said() {
    let parse = |line: &str| Binary::try_parse_from(line.split(' ')).is_ok();
    assert!(parse("keylease report L --success"));
    assert!(parse("keylease report L --status 500"));
    assert!(!parse("keylease report L"));
    assert!(!parse("keylease report L --success --timeout"));
    assert!(parse("keylease report L --success --header a:b"));
    assert!(!parse("keylease report L --success --body-file b"));
    assert!(!parse("keylease report L --timeout --header a:b"));
}

#[test]
fn no_secret_is_taken_from_the_command_line() {
    fn walk(command: &clap::Command) {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            let takes = argument.get_action().takes_values();
            let secret = name.contains("secret") || name == "token";
            assert!(!(secret && takes) || name.ends_with("_file"), "{name}");
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Binary::command());
}
