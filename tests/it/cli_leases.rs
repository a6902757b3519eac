//! `keylease lease` and `keylease report`, as processes against a replica.

use std::process::Output;

use keylease::proto;
use serde_json::Value;

use crate::harness::cluster::Cluster;
use crate::harness::process::{keylease, texts};
use crate::harness::setup::{MINUTE, requests, tokens};

const SECRET: &str = "sk-a";

/// A replica with the pool `p` of the accounts `a` and `b`, and the token of a lessee.
struct Shell {
    cluster: Cluster,
    token: String,
}

impl Shell {
    async fn open() -> Self {
        let cluster = Cluster::start().await;
        let admin = cluster.admin().await;
        for account in ["a", "b"] {
            admin.create_account_and_key(account).await;
        }
        admin.create_limit("a", requests(600, MINUTE)).await;
        admin.create_limit("a", tokens(90_000, MINUTE)).await;
        let pool = proto::Pool {
            members: vec![
                crate::harness::setup::member("a", 1, 1),
                crate::harness::setup::member("b", 2, 1),
            ],
            health_policy: Some(crate::harness::judged::trusting()),
            ..Default::default()
        };
        admin.create_pool_of("p", pool).await;
        let token = admin.create_lessee("search", "p").await;
        Self { cluster, token }
    }

    /// Runs a line with nothing in its environment but the server and the token.
    async fn run(&self, line: &str) -> Output {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = keylease(&arguments);
        command
            .env(
                "KEYLEASE_SERVER",
                self.cluster.replicas[0].address.to_string(),
            )
            .env("KEYLEASE_TOKEN", &self.token);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// What a line that must succeed prints.
    async fn prints(&self, line: &str) -> String {
        let output = self.run(line).await;
        let (out, error) = texts(&output);
        assert!(output.status.success(), "{line}\n{error}");
        assert_eq!(error, "");
        out
    }

    /// The same as JSON.
    async fn json(&self, line: &str) -> Value {
        let out = self.prints(&format!("{line} --json")).await;
        serde_json::from_str(&out).unwrap()
    }

    /// What a line that must fail says, with its exit code.
    async fn fails(&self, line: &str, code: i32) -> String {
        let output = self.run(line).await;
        let (out, error) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{line}\n{out}{error}");
        assert_eq!(out, "");
        error
    }
}

/// The value of a row of a table of details.
fn row<'a>(table: &'a str, name: &str) -> &'a str {
    let mut rows = table.lines().map(str::trim);
    let row = rows.find_map(|line| line.strip_prefix(name));
    row.unwrap_or_else(|| panic!("no {name} in {table}")).trim()
}

#[tokio::test]
async fn a_lease_for_people_hides_the_secret_and_is_reported_by_its_id() {
    let shell = Shell::open().await;
    let table = shell
        .prints("lease p --model gpt-4o --requests 2 --max-wait 5s")
        .await;
    assert!(!table.contains(SECRET), "{table}");
    assert_eq!(row(&table, "key"), "accounts/a/keys/k, version 1");
    assert_eq!(row(&table, "granted"), "2");
    assert_eq!(row(&table, "model"), "gpt-4o");
    assert_eq!(row(&table, "base URL"), "https://api.openai.com/v1");
    let shown = shell.prints("lease p --show-secret").await;
    assert!(
        shown.contains(&format!("header authorization: Bearer {SECRET}")),
        "{shown}"
    );

    let lease = row(&table, "lease").to_owned();
    let report = format!("report {lease} --success --usage-input 812 --usage-output 95");
    let told = shell.prints(&report).await;
    assert_eq!(row(&told, "key version"), "active");
    let again = shell.prints(&report).await;
    assert!(
        again.contains("reported before; nothing was changed"),
        "{again}"
    );
    let rest = shell
        .prints(&format!("report {lease} --not-sent --sequence 1 --final"))
        .await;
    assert_eq!(row(&rest, "outcome"), "success or nothing to blame");
}

#[tokio::test]
async fn a_program_gets_json_and_follows_the_advice() {
    let shell = Shell::open().await;
    let lease = shell
        .json("lease p --affinity session-1 --estimate-input 500 --estimate-output 100")
        .await;
    assert_eq!(lease["key"], "accounts/a/keys/k");
    assert_eq!(lease["granted"], 1);
    assert_eq!(lease["kind"], "LEASE_KIND_NORMAL");
    assert_eq!(lease["credential"]["fields"]["value"], SECRET);
    assert_eq!(
        lease["credential"]["headers"][0]["value"],
        format!("Bearer {SECRET}")
    );
    let id = lease["lease_id"].as_str().unwrap();
    let report =
        format!("report {id} --status 429 --header retry-after:3600 --body-file /dev/null");
    let told = shell.json(&report).await;
    let verdict = &told["verdicts"][0];
    assert_eq!(verdict["failure_class"], "FAILURE_CLASS_RATE_LIMIT");
    assert_eq!(verdict["blame"], "BLAME_SCOPE_ACCOUNT");
    assert_eq!(verdict["advice"]["action"], "ADVICE_ACTION_RETRY_OTHER_KEY");
    let token = verdict["advice"]["retry_token"].as_str().unwrap();
    let other = shell.json(&format!("lease p --retry-token {token}")).await;
    assert_eq!(other["account"], "accounts/b");
    // The last one dies too, and there is nothing left but to wait.
    let id = other["lease_id"].as_str().unwrap();
    let table = shell.prints(&format!("report {id} --status 401")).await;
    assert_eq!(row(&table, "outcome"), "credential");
    assert_eq!(row(&table, "blamed"), "key");
    assert!(
        row(&table, "key version").starts_with("dead until "),
        "{table}"
    );
    // When the first account has cooled down, which is sooner than the other key comes back.
    let advice = row(&table, "advice");
    assert!(
        advice.starts_with("the same request later, after "),
        "{table}"
    );
    assert!(advice.contains("59 m") || advice.contains("1 h"), "{table}");
    let refused = shell.fails("lease p --json", 1).await;
    let refused: Value = serde_json::from_str(&refused).unwrap();
    assert!(refused.to_string().contains("KEYS_COOLING"), "{refused}");
    let refused = shell.fails("lease p", 1).await;
    assert!(
        refused.contains("1 key cooling down") && refused.contains("1 key dead"),
        "{refused}"
    );
}

#[tokio::test]
async fn mistakes_are_named_with_an_exit_code_of_their_own() {
    let shell = Shell::open().await;
    for (line, code, words) in [
        (
            "lease nowhere",
            1,
            "ask an administrator for the role lessee",
        ),
        (
            "lease p --account nowhere",
            1,
            "account has no key in this pool",
        ),
        ("lease p --tag Team=search", 1, "tags"),
        ("lease p --max-wait 2h", 1, "max_wait"),
        ("lease p --max-wait soon", 2, "--max-wait"),
        ("lease", 2, "<POOL>"),
        ("report x --success", 1, "lease_id is malformed"),
        ("report x", 2, "--success"),
        ("report x --success --status 429", 2, "cannot be used with"),
        ("report x --status 99", 2, "100..=599"),
        ("accounts list", 1, "auditor, operator or admin"),
        ("lease p --requests 0", 1, "flag: --requests"),
    ] {
        let said = shell.fails(line, code).await;
        assert!(said.contains(words), "{line}\n{said}");
    }
    // Usage is JSON where JSON was asked for, and a lease without a token says whose is wanted.
    let said = shell.fails("lease p --max-wait soon --json", 2).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["error"]["code"], "USAGE");
    let bare = keylease(&["lease", "p"]).output().unwrap();
    assert_eq!(bare.status.code(), Some(3));
    let said = texts(&bare).1;
    assert!(said.contains("KEYLEASE_TOKEN_FILE"), "{said}");
    assert!(said.contains(".keylease/lessee.token"), "{said}");
    let mut stranger = shell;
    stranger.token = "kl_nobody".to_owned();
    let said = stranger.fails("lease p", 3).await;
    assert!(
        said.contains("this token is malformed, unknown, expired or revoked"),
        "{said}"
    );
}
