//! The client's verbs as processes, against the admin service on a real socket over a real database.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use keylease::proto::admin_service_server::AdminServiceServer;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use crate::harness::desk::Desk;

/// Serves the desk's admin service to whoever calls, as its administrator.
async fn serve(desk: &Desk) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let identity = desk.ask(()).into_parts().1;
    let admin = desk.admin.clone();
    let service =
        AdminServiceServer::with_interceptor(admin, move |mut request: tonic::Request<()>| {
            let sent = request.metadata().get("authorization").cloned();
            assert_eq!(sent.unwrap(), "Bearer kl_try");
            *request.extensions_mut() = identity.clone();
            Ok(request)
        });
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

/// Runs the binary with nothing in its environment but the server and a token.
struct Shell {
    server: String,
}

impl Shell {
    fn to(address: SocketAddr) -> Self {
        let server = format!("http://{address}");
        Self { server }
    }

    /// Runs a line that must succeed; answers all it said. What people read fits their terminal.
    async fn does(&self, line: &str, input: &str) -> String {
        let output = self.run_with(line, input).await;
        let shown = String::from_utf8(output.stdout.clone()).unwrap();
        let is_wide = |shown: &&str| shown.chars().count() > 80;
        if !line.contains("--json") {
            assert_eq!(shown.lines().find(is_wide), None, "{line}");
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(output.status.success(), "{line}\n{said}");
        said
    }

    async fn run_with(&self, line: &str, input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keylease"));
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("KEYLEASE_SERVER", &self.server)
            .env("KEYLEASE_TOKEN", "kl_try")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = input.to_owned();
        let run = move || {
            let mut child = command.spawn().unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(input.as_bytes())
                .unwrap();
            child.wait_with_output().unwrap()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    async fn json(&self, line: &str) -> serde_json::Value {
        let output = self.run_with(&format!("{line} --json"), "").await;
        assert!(output.status.success(), "{line}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nouns_are_made_changed_and_deleted_by_their_verbs() {
    let desk = Desk::open().await;
    let shell = Shell::to(serve(&desk).await);
    for line in [
        "accounts create openai --profile openai --label team=search",
        "accounts update openai --rotation-interval 30days --label tier=gold",
        "accounts get openai",
        "accounts list",
        "accounts disable openai --why unpaid --for 2h --validate-only",
        "accounts disable openai --why unpaid --for 2h",
        "accounts list --filter state=disabled",
        "accounts enable openai",
        "limits create openai/rpm --dimension requests --amount 600 --window 1m",
        "limits update openai/rpm --amount 1200 --model gpt-4*",
        "limits list openai",
        "limits get openai/rpm",
        "pools create prod --member openai:tier=1,weight=3 --strategy least-used --dead-ttl 12h",
        "pools update prod --failure-threshold 3 --member openai:weight=5",
        "pools update prod --verdicts trust --quarantine 90s --recovery-ramp 0s",
        "pools get prod",
        "pools list",
        "prices set openai gpt-4o --input 2.50 --cached-input 1.25 --output 10 --reason contract",
        "prices list --origin operator --history",
        "prices list --profile anthropic",
        "prices delete openai gpt-4o",
        "cost",
        "cost --by day,model,tag:team --from 2026-01-01 --pool prod --tag team=search --json",
        "callers create search --lessee openai-* --role auditor",
        "callers update search --remove-role auditor --lessee prod",
        "callers get search",
        "callers list",
        "tokens create search --display-name ci --expires-in 90days",
        "tokens list search",
    ] {
        shell.does(line, "").await;
    }
    let pool = shell.json("pools get prod").await;
    assert_eq!(pool["health_policy"]["failure_threshold"], 3);
    assert_eq!(pool["health_policy"]["dead_ttl"], "43200s");
    assert_eq!(pool["health_policy"]["verdicts"], "VERDICT_POLICY_TRUST");
    assert_eq!(pool["health_policy"]["quarantine"], "90s");
    assert_eq!(pool["health_policy"]["recovery_ramp"], "0s");
    assert_eq!(pool["members"][0]["weight"], 5);
    assert_eq!(pool["members"][0]["tier"], 1);
    let account = shell.json("accounts get openai").await;
    assert_eq!(account["labels"]["team"], "search");
    let tokens = shell.json("tokens list search").await;
    let token = tokens["tokens"][0]["name"].as_str().unwrap();
    for line in [
        format!("tokens revoke {token}").as_str(),
        "limits delete openai/rpm --validate-only",
        "limits delete openai/rpm",
        "pools delete prod",
        "callers delete search",
        "accounts delete openai",
    ] {
        shell.does(line, "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_stored_rotated_and_never_shown() {
    let desk = Desk::open().await;
    let shell = Shell::to(serve(&desk).await);
    let mut seen = String::new();
    for (line, input) in [
        ("accounts create openai --profile openai", ""),
        (
            "limits create openai/rpm --dimension requests --amount 600 --window 1m",
            "",
        ),
        ("keys create openai/main --secret-stdin", "sk-canary-1\n"),
        ("keys create openai/spare --secret-file -", "sk-canary-2"),
        (
            "keys rotate openai/main --secret-stdin --skip-test --reason spring",
            "sk-canary-3\n",
        ),
        (
            "keys update openai/spare --model-allow gpt-4* --rotation-interval 1h",
            "",
        ),
        (
            "pools create prod --member openai/main --member openai/spare:tier=2",
            "",
        ),
        ("status prod", ""),
        ("status prod --json", ""),
        ("keys list openai", ""),
        ("keys get openai/main --json", ""),
        ("keys versions openai/main", ""),
        ("keys rotations openai/main", ""),
        ("keys disable openai/spare --why leaked --for 1h", ""),
        ("keys clear-health openai/main", ""),
        ("keys health openai/main", ""),
        ("keys clear-health openai/main/2", ""),
        ("accounts clear-health openai --model gpt-4o", ""),
        ("providers clear-health openai", ""),
        ("audit list", ""),
        ("audit list --json --page-size 2", ""),
    ] {
        seen += &shell.does(line, input).await;
    }
    assert!(seen.contains("accounts/openai/keys/spare"), "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_in_one_call() {
    let desk = Desk::open().await;
    let shell = Shell::to(serve(&desk).await);
    let file = "OPENAI_API_KEY=sk-canary-1\nOPENAI_API_KEY_BACKUP_1=sk-canary-2\nRATE_LIMIT_PER_MINUTE=600\n";
    let mut seen = shell.does("keys import - --validate-only", file).await;
    seen += &shell.does("keys import -", file).await;
    seen += &shell.does("pools get openai", "").await;
    assert!(
        seen.contains("accounts/openai/keys/backup-1 (tier 2"),
        "{seen}"
    );
    assert!(!seen.contains("canary"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_sentences_with_their_fields_and_exit_codes() {
    let desk = Desk::open().await;
    let shell = Shell::to(serve(&desk).await);
    for (line, code, word) in [
        ("accounts get nobody", 1, "RESOURCE_NOT_FOUND"),
        (
            "pools create p --member nobody --failure-threshold 5 --lease-duration 100days",
            1,
            "lease_duration",
        ),
        (
            "accounts create a --profile nonsense",
            1,
            "provider_profile",
        ),
        ("accounts create A --profile openai", 2, "a-z"),
        ("accounts update a", 2, "--clear"),
        ("status nowhere", 1, "pools/nowhere"),
        // What the wire cannot tell from unset would silently be something else.
        ("pools create p --failure-threshold 0", 2, "1..=1000"),
        ("pools create p --member openai:tier=0", 2, "from 1 to 100"),
        ("keys clear-health openai", 2, "accounts clear-health"),
        (
            "keys clear-health a/k --model m",
            2,
            "--model is for accounts",
        ),
        ("accounts clear-health openai/main", 2, "keys clear-health"),
        ("providers clear-health api.opnai.com", 1, "NOT_FOUND"),
        ("pools disable p --reason x", 2, "--why"),
        ("accounts get nobody --json", 1, "\"RESOURCE_NOT_FOUND\""),
    ] {
        let output = shell.run_with(line, "").await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}\n{said}");
        assert!(said.contains(word), "{line}\n{said}");
    }
}
