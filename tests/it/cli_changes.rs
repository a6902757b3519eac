//! What the client says of changes that cannot be made: imports, and removals of what is not there.

use std::io::Write as _;
use std::process::Stdio;

use crate::harness::cluster::Cluster;
use crate::harness::process::{keylease, texts};

/// A replica, and a shell of its administrator.
struct Shell {
    cluster: Cluster,
}

impl Shell {
    async fn open() -> Self {
        let cluster = Cluster::start().await;
        Self { cluster }
    }

    /// Runs a line; answers its exit code and all it said.
    async fn run(&self, line: &str, input: &'static str) -> (Option<i32>, String) {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = keylease(&arguments);
        command
            .env(
                "KEYLEASE_SERVER",
                self.cluster.replicas[0].address.to_string(),
            )
            .env("KEYLEASE_TOKEN", &self.cluster.admin_token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let run = move || {
            let mut child = command.spawn().unwrap();
            // Who refuses its arguments does not read.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let (out, error) = texts(&output);
        (output.status.code(), out + &error)
    }

    async fn does(&self, line: &str, input: &'static str) -> String {
        let (code, said) = self.run(line, input).await;
        assert_eq!(code, Some(0), "{line}\n{said}");
        said
    }

    /// Runs a line that must be refused, in these words.
    async fn refuses(&self, line: &str, input: &'static str, code: i32, words: &[&str]) -> String {
        let (found, said) = self.run(line, input).await;
        assert_eq!(found, Some(code), "{line}\n{said}");
        for word in words {
            assert!(said.contains(word), "{word} in\n{said}");
        }
        said
    }
}

const FILE: &str = "# keys\nOPENAI_API_KEY=sk-canary-1\nOPENAI_API_KEY_BACKUP_1=sk-canary-2\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_an_import_says_what_the_import_would() {
    let shell = Shell::open().await;
    let planned = shell.does("keys import - --dry-run", FILE).await;
    assert!(
        planned.contains("accounts/openai/keys/backup-1"),
        "{planned}"
    );
    assert!(planned.contains("nothing was changed"), "{planned}");
    shell.does("keys import -", FILE).await;
    let places = [
        "standard input line 2, OPENAI_API_KEY: is stored already",
        "standard input line 3, OPENAI_API_KEY_BACKUP_1",
        "remove from standard input the lines",
    ];
    for line in ["keys import - --dry-run", "keys import -"] {
        let said = shell.refuses(line, FILE, 1, &places).await;
        for odd in ["accounts[", "--secret-file", "canary", "another id"] {
            assert!(!said.contains(odd), "{odd} in\n{said}");
        }
    }
    let offline = shell.does("keys import - --dry-run --offline", FILE).await;
    assert!(offline.contains("no server was asked"), "{offline}");
    shell
        .refuses("keys import - --offline", FILE, 2, &["--dry-run"])
        .await;
    let metadata = "FOO_API_KEY=sk-3\nFOO_BASE_URL=http://169.254.169.254\n";
    shell
        .refuses(
            "keys import - --allow-http --dry-run",
            metadata,
            1,
            &["standard input line 2, FOO_BASE_URL"],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_removed_and_bounds_are_told_as_documented() {
    let shell = Shell::open().await;
    shell.does("keys import -", FILE).await;
    shell
        .does("callers create search --lessee openai --role auditor", "")
        .await;
    for (line, words) in [
        (
            "pools update openai --remove-member openai/mian",
            ["accounts/openai/keys/mian", "accounts/openai/keys/backup-1"],
        ),
        (
            "callers update search --remove-lessee opena",
            ["--remove-lessee opena", "openai"],
        ),
        (
            "callers update search --remove-role operator",
            ["--remove-role operator", "auditor"],
        ),
    ] {
        shell.refuses(line, "", 2, &words).await;
    }
    for (line, code, words) in [
        ("pools list --page-size 0", 2, "1..=1000"),
        (
            "pools update openai --rotation-interval 4000days",
            1,
            "from 1h to 3653days",
        ),
    ] {
        shell.refuses(line, "", code, &[words]).await;
    }
    shell
        .does("pools update openai --remove-member openai/main", "")
        .await;
    shell
        .does(
            "callers update search --remove-lessee openai --remove-role auditor",
            "",
        )
        .await;
}

#[tokio::test]
async fn rules_of_a_pool_are_set_from_a_file_shown_by_name_and_cleared() {
    const RULES: &str =
        "version = 1\n[[rule]]\nid = \"invoice\"\ncodes = [\"invoice_open\"]\nclass = \"quota\"\n";
    let shell = Shell::open().await;
    shell.does("accounts create a --profile openai", "").await;
    shell
        .does("pools create p --member a --failure-rules -", RULES)
        .await;
    let said = shell.does("pools get p", "").await;
    assert!(said.contains("pool/invoice"), "{said}");
    let told = ["pool.failure_rules", "rule invoice: class \"nothing\""];
    let wrong = "version = 1\n[[rule]]\nid = \"invoice\"\ncodes = [\"invoice_open\"]\nclass = \"nothing\"\n";
    let update = "pools update p --failure-rules -";
    shell.refuses(update, wrong, 1, &told).await;
    let told = ["--failure-rules", "--clear failure-rules"];
    shell.refuses(update, "\n", 2, &told).await;
    let said = shell.does("pools update p --clear failure-rules", "").await;
    assert!(!said.contains("pool/invoice"), "{said}");
}

#[tokio::test]
async fn a_rotation_is_looked_at_gone_on_with_undone_and_given_up() {
    let shell = Shell::open().await;
    // Nobody listens there, so that no test says anything.
    let account =
        "accounts create openai --profile openai --base-url http://127.0.0.1:1/v1 --allow-http";
    shell.does(account, "").await;
    let create = "keys create openai/main --secret-stdin";
    shell.does(create, "sk-canary-first").await;
    let rotate = "keys rotate openai/main --secret-stdin --grace 2h";
    let said = shell.does(rotate, "sk-canary-second").await;
    assert!(said.contains("testing"), "{said}");
    let said = shell.does("rotations get openai/main/2", "").await;
    for word in [
        "testing",
        "no connection to the host",
        "the next try, in",
        "2 h",
    ] {
        assert!(said.contains(word), "{word} in\n{said}");
    }
    let retry = "rotations retry openai/main/2 --skip-test --reason known";
    let said = shell.does(retry, "").await;
    assert!(said.contains("draining"), "{said}");
    let said = shell.does("keys rollback openai/main", "").await;
    assert!(said.contains("rolled back"), "{said}");
    shell.does(rotate, "sk-canary-third").await;
    let said = shell
        .does("rotations cancel openai/main/3 --json", "")
        .await;
    assert!(said.contains("ROTATION_STEP_CANCELLED"), "{said}");
    let said = shell.does("rotations list openai/main", "").await;
    assert!(
        said.contains("cancelled") && said.contains("rolled back"),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
    let by_rotator = "keys rotate openai/main --by-rotator";
    shell.refuses(by_rotator, "", 1, &["has no rotator"]).await;
    let refused = "rotators get openai";
    shell
        .refuses(refused, "", 1, &["accounts/openai/rotator does not exist"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_moved_by_a_line() {
    let shell = Shell::open().await;
    shell.does("keys import -", FILE).await;
    shell
        .does("accounts create openai-eu --profile openai", "")
        .await;
    let here = ["destination_account", "is where", "name another account"];
    shell
        .refuses("keys move openai/main openai", "", 1, &here)
        .await;
    let tried = shell
        .does("keys move openai/main openai-eu --validate-only", "")
        .await;
    assert!(tried.contains("nothing was changed"), "{tried}");
    let moved = shell.does("keys move openai/main openai-eu", "").await;
    assert!(moved.contains("accounts/openai-eu/keys/main"), "{moved}");
    shell
        .refuses("keys get openai/main", "", 1, &["does not exist"])
        .await;
}
