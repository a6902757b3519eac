//! `keylease alerts`, and what `serve` makes of its flags.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::cluster::Cluster;
use crate::harness::postgres::new_folder;
use crate::harness::process::{keylease, texts};
use crate::harness::receivers::{Mode, Receivers};

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_says_what_every_receiver_answered() {
    let receivers = Receivers::open().await;
    receivers.slack.does(Mode::Answers(404));
    let mut cluster = Cluster::of(0).await;
    let variables = receivers.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    cluster.add_with(&variables).await;
    let run = |arguments: &[&str]| {
        let server = cluster.replicas[0].address.to_string();
        let mut command = keylease(arguments);
        command.args(["--server", &server]);
        command.env("KEYLEASE_TOKEN", &cluster.admin_token);
        command.output().unwrap()
    };
    let output = run(&["alerts", "test"]);
    let (out, error) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{out}{error}");
    for line in ["log ", "webhook ", "slack ", "telegram "] {
        assert!(out.contains(line), "{out}");
    }
    assert!(
        out.contains("not taken") && out.contains("answered 404"),
        "{out}"
    );
    assert!(error.contains("slack did not take the message"), "{error}");
    assert_eq!(receivers.webhook.heard()[0].json()["event"], "test");
    receivers.slack.does(Mode::Answers(200));
    assert!(run(&["alerts", "test"]).status.success());
    let (out, _) = texts(&run(&["alerts", "list"]));
    assert_eq!(out, "no alerts\n");
    let (out, _) = texts(&run(&["alerts", "list", "--open", "--json"]));
    assert!(out.contains("\"alerts\": []"), "{out}");
}

#[test]
fn mistakes_about_receivers_are_named_all_at_once_and_never_repeat_a_url() {
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let output = keylease(&["serve"])
        .env(
            "KEYLEASE_ALERT_WEBHOOK_URL_FILE",
            file("w", "https://user:canary@hooks.example/"),
        )
        .env("KEYLEASE_ALERT_WEBHOOK_SECRET_FILE", file("s", "canary"))
        .env(
            "KEYLEASE_ALERT_SLACK_URL_FILE",
            file("l", "http://169.254.169.254/canary"),
        )
        .env("KEYLEASE_ALERT_TELEGRAM_TOKEN_FILE", file("t", "canary"))
        .env("KEYLEASE_ALERT_RESOLVE_AFTER", "1s")
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let (_, error) = texts(&output);
    assert!(!output.status.success());
    assert!(!error.contains("canary"), "{error}");
    for problem in [
        "KEYLEASE_ALERT_WEBHOOK_URL_FILE holds a URL with a user or password",
        "KEYLEASE_ALERT_SLACK_URL_FILE holds a URL of plain http",
        "KEYLEASE_ALERT_TELEGRAM_TOKEN_FILE is set and KEYLEASE_ALERT_TELEGRAM_CHAT is not",
        "KEYLEASE_ALERT_RESOLVE_AFTER is 1s, outside 15s to 1h",
    ] {
        assert!(error.contains(problem), "{problem}: {error}");
    }
}
