//! Whole files, as people have them.

use super::*;

const FILE: &str = "\
# providers
export OPENAI_API_KEY=\"sk-main-1\"
OPENAI_API_KEY_BACKUP_1=sk-backup-1
OPENAI_API_KEY_BACKUP_3='sk-backup-3' # 2 was leaked
AZURE_API_KEY=azure-key==
AZURE_BASE_URL=https://x.example.com/v1
KEY_ROTATION_INTERVAL_HOURS=168
KEY_HEALTH_CHECK_ENABLED=true
RATE_LIMIT_PER_MINUTE=600
DATABASE_URL=postgres://canary
";

fn plan(text: &str) -> Plan {
    read(text.as_bytes(), &Options::default()).unwrap()
}

fn problems_with(text: &str, options: &Options) -> Vec<(usize, String)> {
    let problems = read(text.as_bytes(), options).unwrap_err();
    problems.into_iter().map(|p| (p.line, p.message)).collect()
}

fn problems(text: &str) -> Vec<(usize, String)> {
    problems_with(text, &Options::default())
}

fn lines(text: &str) -> Vec<usize> {
    problems(text).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn a_usual_file_becomes_accounts_keys_and_tiered_pools() {
    let plan = plan(FILE);
    let [azure, openai] = &plan.accounts[..] else {
        panic!("{plan:?}")
    };
    assert_eq!((azure.id.as_str(), azure.profile), ("azure", "generic"));
    assert_eq!(
        azure.base_url.as_ref().unwrap().text,
        "https://x.example.com/v1"
    );
    assert_eq!(azure.keys[0].secret.expose(), "azure-key==");
    assert_eq!((openai.id.as_str(), openai.profile), ("openai", "openai"));
    assert_eq!(openai.base_url, None);
    let ids: Vec<&str> = openai.keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["main", "backup-1", "backup-3"]);
    assert_eq!(openai.keys[0].line, 2);
    let openai = &plan.pools[1];
    assert_eq!(openai.id, "openai");
    assert_eq!(openai.members[0], ("accounts/openai/keys/main".into(), 1));
    assert_eq!(
        openai.members[2],
        ("accounts/openai/keys/backup-3".into(), 2)
    );
    assert_eq!(plan.ignored, ["DATABASE_URL"]);
    let policy = Policy {
        rotation_hours: Some(168),
        probe: Some(true),
        requests_per_minute: Some(600),
    };
    assert_eq!(plan.policy, policy);
}

#[test]
fn notes_name_gaps_shared_budgets_generic_placement_and_probes() {
    let notes = plan(FILE).notes.join("\n");
    for part in [
        "1 missing",
        "share one budget",
        "authorization: Bearer",
        "are probed, except",
    ] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
}

#[test]
fn an_account_per_key_gives_each_backup_a_budget_of_its_own() {
    let options = Options {
        account_per_key: true,
        ..Options::default()
    };
    let plan = read(FILE.as_bytes(), &options).unwrap();
    let ids: Vec<&str> = plan.accounts.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(
        ids,
        ["azure", "openai", "openai-backup-1", "openai-backup-3"]
    );
    assert_eq!(
        plan.pools[1].members[1],
        ("accounts/openai-backup-1/keys/main".into(), 2)
    );
}

#[test]
fn known_prefixes_need_no_base_url() {
    let plan =
        plan("ANTHROPIC_API_KEY=a1\nGEMINI_API_KEY=b2\nGOOGLE_API_KEY=c3\nSTRIPE_API_KEY=d4\n");
    let profiles: Vec<&str> = plan.accounts.iter().map(|a| a.profile).collect();
    assert_eq!(profiles, ["anthropic", "gemini", "gemini", "stripe"]);
}

#[test]
fn every_problem_is_told_at_once_by_line_and_without_a_value() {
    let text = "\
OPENAI_API_KEY=sk-canary-1
OPENAI_API_KEY=sk-canary-2
ANTHROPIC_API_KEY=YOUR_CANARY
GEMINI_API_KEY=
not a line, canary
STRIPE_API_KEY=sk-canary-1
OPENAI_API_KEY_BACKUP=sk-canary-3
OTHER_API_KEY=canary-4
LONE_BASE_URL=https://canary.example.com
GROQ_API_KEY_BACKUP_1=canary-5
RATE_LIMIT_PER_MINUTE=canary
OPENAI_BASE_URL=http://canary.example.com
";
    let problems = problems(text);
    let lines: Vec<usize> = problems.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "{problems:?}");
    let told = format!("{problems:?}").to_lowercase();
    assert!(!told.contains("canary"), "{told}");
    assert!(told.contains("is set on line 1 already"), "{told}");
    assert!(told.contains("same value as line 1"), "{told}");
    assert!(told.contains("other_base_url"), "{told}");
    assert!(told.contains("--allow-http"), "{told}");
}

#[test]
fn a_refused_key_does_not_make_its_base_url_lonely() {
    assert_eq!(
        lines("FOO_API_KEY=changeme\nFOO_BASE_URL=https://foo.example.com\n"),
        [1]
    );
}

#[test]
fn a_file_without_keys_is_refused_as_a_whole() {
    for text in ["", "# nothing\n", "DATABASE_URL=x\n"] {
        assert_eq!(lines(text), [0], "{text}");
    }
}

#[test]
fn http_is_taken_when_it_is_named() {
    let text = "FOO_API_KEY=k1\nFOO_BASE_URL=http://127.0.0.1:9000/v1\n";
    assert_eq!(lines(text), [2]);
    let options = Options {
        allow_http: true,
        ..Options::default()
    };
    let plan = read(text.as_bytes(), &options).unwrap();
    assert!(plan.accounts[0].base_url.as_ref().unwrap().http);
}

#[test]
fn only_what_was_asked_for_is_read_and_checked() {
    let options = Options {
        only: vec!["openai".into()],
        ..Options::default()
    };
    let text = "OPENAI_API_KEY=k1\nOTHER_API_KEY=YOUR_KEY\n";
    let plan = read(text.as_bytes(), &options).unwrap();
    assert_eq!(plan.accounts.len(), 1);
    assert_eq!(plan.keys_unasked, ["OTHER_API_KEY"]);
}

#[test]
fn what_looks_like_a_key_is_not_among_what_is_ignored() {
    let plan =
        plan("OPENAI_API_KEY=k1\nOPENAI_API_KEY_2=k2\nSTRIPE_SECRET_KEY=k3\nNODE_ENV=production\n");
    assert_eq!(plan.keys_unread, ["OPENAI_API_KEY_2", "STRIPE_SECRET_KEY"]);
    assert_eq!(plan.ignored, ["NODE_ENV"]);
}

#[test]
fn two_prefixes_cannot_make_one_account() {
    let text = "OPENAI_API_KEY=k1\nOPENAI_API_KEY_BACKUP_1=k2\nOPENAI_BACKUP_1_API_KEY=k3\nOPENAI_BACKUP_1_BASE_URL=https://x.example.com\n";
    let options = Options {
        account_per_key: true,
        ..Options::default()
    };
    let problems = problems_with(text, &options);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].1.contains("same account"), "{problems:?}");
}

#[test]
fn more_than_one_import_takes_is_refused() {
    let key = |n: usize| format!("P{n}_API_KEY=k{n}\nP{n}_BASE_URL=https://p{n}.example.com\n");
    let text: String = (0..=ACCOUNTS_MAX).map(key).collect();
    assert_eq!(lines(&text), [0]);
    let backup = |n: usize| format!("OPENAI_API_KEY_BACKUP_{n}=k{n}\n");
    let text = format!(
        "OPENAI_API_KEY=m\n{}",
        (1..=KEYS_MAX).map(backup).collect::<String>()
    );
    assert_eq!(lines(&text), [0]);
    let told = problems(&text)[0].1.clone();
    assert!(told.contains("keys create ACCOUNT/KEY"), "{told}");
    assert!(!told.contains("with --only"), "{told}");
}

#[test]
fn a_long_prefix_is_refused_and_a_stray_secret_is_not_listed() {
    let long = "A".repeat(64);
    let text = format!("{long}_API_KEY=k\n{long}_BASE_URL=https://x.example.com\n");
    assert_eq!(lines(&text), [1]);
    let plan = plan("OPENAI_API_KEY=k1\nc2stY2FuYXJ5=\n");
    assert_eq!(plan.ignored, ["line 2"]);
}

#[test]
fn debug_of_a_plan_shows_no_secret() {
    assert!(!format!("{:?}", plan(FILE)).contains("sk-"));
}
