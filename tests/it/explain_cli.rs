//! `keylease explain`, as a process against a replica.

use std::process::Output;

use serde_json::Value;

use crate::harness::client::Client;
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::http;
use crate::harness::process::{keylease, texts};
use crate::harness::setup::{MINUTE, requests};

/// A replica with the pool `p` of three accounts of one key each: one serves, one cools down, one is disabled.
struct Shell {
    cluster: Cluster,
    admin: Client,
}

impl Shell {
    async fn open() -> Self {
        let (cluster, admin, caller) = Cluster::serving(&["a", "b", "c"], "p").await;
        admin.create_limit("a", requests(600, MINUTE)).await;
        for _ in 0..2 {
            let lease = caller.lease("p").await;
            if lease.account == "accounts/b" {
                let outcome = http(429, &[("retry-after", "3600")]);
                caller.report(&lease, outcome).await;
            }
        }
        admin.disable_key("accounts/c/keys/k").await;
        Self { cluster, admin }
    }

    async fn run(&self, line: &str, token: &str) -> Output {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = keylease(&arguments);
        let server = self.cluster.replicas[0].address.to_string();
        command.env("KEYLEASE_SERVER", server);
        command.env("KEYLEASE_TOKEN", token);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
        ran.await.unwrap()
    }

    /// What a line prints that an administrator gives, and that must succeed.
    async fn prints(&self, line: &str) -> String {
        let output = self.run(line, &self.cluster.admin_token).await;
        let (out, error) = texts(&output);
        assert!(output.status.success(), "{line}\n{error}");
        assert_eq!(error, "");
        out
    }
}

#[tokio::test]
async fn a_person_reads_what_a_lease_would_get_why_and_what_to_do_in_eighty_columns() {
    let shell = Shell::open().await;
    let text = shell.prints("explain p --caller search").await;
    let is_wide = |line: &&str| line.chars().count() > 80;
    assert_eq!(text.lines().find(is_wide), None, "{text}");
    for part in [
        "pools/p for callers/search",
        "the next lease gets accounts/a/keys/k",
        "round robin",
        "b/k: cooling: accounts/b until",
        "c/k: disabled: accounts/c/keys/k: leaked",
        "a/l600",
        "What to do",
        "1 key cooling down: wait;",
        "1 key disabled:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The administrator itself may lease nothing, and is told so.
    let text = shell.prints("explain p").await;
    assert!(text.contains("REFUSED POOL_DENIED"), "{text}");
    assert!(text.contains("leases nothing from this pool"), "{text}");
    let line =
        "explain p --caller search --model gpt-4o --estimate-input 10 --estimate-output 5 --json";
    let json: Value = serde_json::from_str(&shell.prints(line).await).unwrap();
    assert_eq!(json["chosen"], "accounts/a/keys/k");
    assert_eq!(json["model"], "gpt-4o");
    assert_eq!(json["estimate"]["input_tokens"], 10);
    let keys = json["keys"].as_array().unwrap();
    let reasons: Vec<_> = keys.iter().map(|key| &key["reason"]).collect();
    assert!(
        reasons.contains(&&Value::from("REFUSAL_REASON_COOLING")),
        "{json}"
    );
}

#[tokio::test]
async fn whoever_may_not_ask_and_wrong_lines_are_refused() {
    let shell = Shell::open().await;
    let token = shell.admin.create_token("search").await;
    let token = token.text;
    for (line, code, part) in [
        ("explain p", 0, ""),
        ("explain p --caller callers/search", 0, ""),
        (
            "explain p --caller somebody",
            1,
            "auditor, operator or admin",
        ),
        ("explain q", 1, "no grant for this pool"),
        ("explain", 2, "<POOL>"),
        (
            "explain p --caller accounts/a",
            2,
            "a caller, such as billing",
        ),
        ("explain p --estimate-input many", 2, "many"),
    ] {
        let output = shell.run(line, &token).await;
        let (out, error) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{line}\n{out}{error}");
        assert!(error.contains(part), "{line}: {error}");
    }
}
