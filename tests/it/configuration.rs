//! What the binary says to a wrong configuration, before it binds anything.

use std::fs;

use crate::harness::{
    postgres::new_folder,
    process::{keylease, texts},
};

/// The error of a `serve` that must not start.
fn refusal(variables: &[(&str, &str)]) -> String {
    let output = keylease(&["serve"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let (out, error) = texts(&output);
    assert_eq!(out, "");
    error
}

#[test]
fn all_mistakes_are_named_at_once_with_their_variables() {
    let error = refusal(&[
        ("KEYLEASE_LISTEN", "0.0.0.0:7600"),
        ("KEYLEASE_METRICS_LISTEN", "here"),
        ("KEYLEASE_HEALTH_LISTEN", "7602"),
        ("KEYLEASE_INSECURE_PLAINTEXT", "maybe"),
        ("KEYLEASE_LISTENN", "1"),
        ("KEYLEASE_PORT_7600_TCP", "tcp://10.0.0.1:7600"),
        ("KEYLEASE_TLS_KEY_FILE", ""),
        ("KEYLEASE_SNAPSHOT_AGE_MAX", "1s"),
        ("KEYLEASE_DRAIN_DELAY", "soon"),
        ("KEYLEASE_DATABASE_CONNECTIONS_MAX", "1"),
        ("KEYLEASE_CONNECTIONS_MAX", "0"),
        ("KEYLEASE_LOG", "loud=loud"),
        ("KEYLEASE_LOG_FORMAT", "xml"),
        ("KEYLEASE_OUTBOUND_CA_FILE", "/nowhere/ca.pem"),
    ]);
    assert!(error.contains("wrong in 13 places"), "{error}");
    for named in [
        "KEYLEASE_DATABASE_URL is not set",
        "KEYLEASE_MASTER_KEY_FILE",
        "KEYLEASE_INSECURE_PLAINTEXT is \"maybe\"",
        "KEYLEASE_LISTENN is no variable of ours: KEYLEASE_LISTEN is meant",
        "KEYLEASE_METRICS_LISTEN is \"here\"",
        "KEYLEASE_HEALTH_LISTEN is \"7602\"",
        "KEYLEASE_SNAPSHOT_AGE_MAX is 1s, outside 10s to 1h",
        "KEYLEASE_DRAIN_DELAY is \"soon\"",
        "KEYLEASE_DATABASE_CONNECTIONS_MAX is \"1\"",
        "KEYLEASE_CONNECTIONS_MAX is \"0\"",
        "KEYLEASE_LOG is \"loud=loud\"",
        "KEYLEASE_LOG_FORMAT is \"xml\"",
        "KEYLEASE_OUTBOUND_CA_FILE names /nowhere/ca.pem, which can't be read",
    ] {
        assert!(error.contains(named), "{named} in {error}");
    }
}

#[test]
fn plaintext_beyond_loopback_and_two_sockets_on_one_address_are_refused() {
    let error = refusal(&[
        ("KEYLEASE_LISTEN", "0.0.0.0:7600"),
        ("KEYLEASE_METRICS_LISTEN", "127.0.0.1:7600"),
    ]);
    assert!(
        error.contains("KEYLEASE_INSECURE_PLAINTEXT=true"),
        "{error}"
    );
    let expected =
        "KEYLEASE_METRICS_LISTEN is 127.0.0.1:7600, and KEYLEASE_LISTEN listens on 0.0.0.0:7600";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn variables_of_the_client_that_are_set_to_nothing_count_as_not_set() {
    let output = keylease(&["accounts", "list"])
        .env("KEYLEASE_TOKEN_FILE", "")
        .env("KEYLEASE_CA_FILE", "")
        .env("KEYLEASE_INSECURE_PLAINTEXT", "")
        .output()
        .unwrap();
    let (_, error) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("no token"), "{error}");
    let output = keylease(&["accounts", "list"])
        .env("KEYLEASE_INSECURE_PLAINTEXT", "maybe")
        .output()
        .unwrap();
    let (_, error) = texts(&output);
    assert!(error.contains("KEYLEASE_INSECURE_PLAINTEXT"), "{error}");
}

#[test]
fn no_secret_of_the_environment_is_repeated() {
    let error = refusal(&[
        (
            "KEYLEASE_DATABASE_URL",
            "postgres://u:canary-password@h:x/d",
        ),
        ("KEYLEASE_MASTER_KEY", "klmk1_canary-key"),
    ]);
    assert!(error.contains("KEYLEASE_DATABASE_URL is no URL"), "{error}");
    assert!(error.contains("KEYLEASE_MASTER_KEY: line 1"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn half_of_a_tls_pair_or_one_that_is_none_is_refused() {
    let one = refusal(&[("KEYLEASE_TLS_CERT_FILE", "/nowhere.pem")]);
    assert!(
        one.contains("KEYLEASE_TLS_KEY_FILE is not: set both"),
        "{one}"
    );
    let both = refusal(&[
        ("KEYLEASE_TLS_CERT_FILE", "/nowhere.pem"),
        ("KEYLEASE_TLS_KEY_FILE", "/nowhere.key"),
    ]);
    assert!(both.contains("/nowhere.key, which can't be read"), "{both}");
}

#[test]
fn a_database_that_is_not_there_is_named_with_the_cause() {
    let made = keylease(&["master-key", "generate"]).output().unwrap();
    let (master_key, _) = texts(&made);
    let error = refusal(&[
        (
            "KEYLEASE_DATABASE_URL",
            "postgres://u:canary-password@127.0.0.1:1/vault",
        ),
        ("KEYLEASE_MASTER_KEY", master_key.trim()),
        ("KEYLEASE_LISTEN", "127.0.0.1:0"),
        ("KEYLEASE_METRICS_LISTEN", "off"),
    ]);
    assert!(
        error.contains("can't reach database vault at 127.0.0.1:1"),
        "{error}"
    );
    assert!(error.contains("refused"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn help_shows_every_variable_and_no_value_of_the_database_url() {
    let output = keylease(&["serve", "--help"])
        .env("KEYLEASE_DATABASE_URL", "postgres://u:canary@h/d")
        .output()
        .unwrap();
    let (help, _) = texts(&output);
    for name in [
        "DATABASE_URL",
        "DATABASE_URL_FILE",
        "LISTEN",
        "MASTER_KEY_FILE",
        "PASSPHRASE_FILE",
        "DRAIN_DELAY",
        "INSECURE_LOOPBACK_UPSTREAMS",
        "LOG",
    ] {
        assert!(help.contains(&format!("KEYLEASE_{name}")), "{name}");
    }
    assert!(!help.contains("canary"));
}

#[test]
fn help_fits_the_terminal_or_the_customary_width() {
    for (columns, most) in [(None, 80), (Some("60"), 60)] {
        for line in ["serve --help", "keys import --help", "--help", "lease -h"] {
            let arguments: Vec<&str> = line.split(' ').collect();
            let mut command = keylease(&arguments);
            command.envs(columns.map(|columns| ("COLUMNS", columns)));
            let (help, _) = texts(&command.output().unwrap());
            // A word that is too long by itself stays whole.
            let is_wide = |line: &&str| line.trim().contains(' ') && line.chars().count() > most;
            let wide = help.lines().map(str::trim_end).find(is_wide);
            assert_eq!(wide, None, "{line} in {most} columns");
        }
    }
}

#[test]
fn a_generated_master_key_is_taken_and_never_overwritten() {
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let path = folder.join("master.key");
    let path = path.to_str().unwrap();
    let generate = || {
        keylease(&["master-key", "generate", "--out", path])
            .output()
            .unwrap()
    };
    assert!(generate().status.success());
    let error = refusal(&[("KEYLEASE_MASTER_KEY_FILE", path)]);
    // Only the database is missing now.
    assert!(
        error.contains("the configuration is wrong: KEYLEASE_DATABASE_URL"),
        "{error}"
    );
    assert!(!generate().status.success());
    fs::remove_dir_all(folder).unwrap();
}
