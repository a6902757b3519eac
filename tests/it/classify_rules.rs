//! Rules of a pool, tried by `keylease classify` without a server.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::classify::{classify, lines};
use crate::harness::postgres::new_folder;
use crate::harness::process::texts;

const RULES: &str = r#"
version = 1
[[rule]]
id = "held"
text = ['(?:a|aa)+$', 'hold for [0-9]+']
class = "quota"
scope = "account"
cooldown = "3h"
"#;

fn file(name: &str, text: &str) -> String {
    let folder = new_folder();
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn rules_of_a_pool_are_tried_without_a_server() {
    let rules = file("rules.toml", RULES);
    let held = b"HTTP/1.1 403 No\r\n\r\nHold for 3 days";
    let (out, _) = texts(&classify(&["--rules", &rules], held));
    for words in ["rule      pool/held", "quota", "3h", "retry_other_key"] {
        assert!(out.contains(words), "{out}");
    }
    let lines_in = [
        json!({"status": 403, "body": "a".repeat(10 * 1024 * 1024)}),
        json!({"status": 401}),
        json!({"status": 429, "headers": {"retry-after": "-5", "retry-after-ms": "1e30"}, "body": "hold for 1"}),
    ];
    let input: String = lines_in.iter().map(|line| format!("{line}\n")).collect();
    let begun = Instant::now();
    let output = classify(&["--jsonl", "--rules", &rules], input.as_bytes());
    let answers = lines(&output);
    let found: Vec<_> = answers
        .iter()
        .map(|a| a["rule"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["pool/held", "status/401", "pool/held"]);
    // Nothing that can be believed is stated, so the rule's own word counts.
    assert_eq!(answers[2]["retry_after_ms"], 10_800_000);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn rules_that_are_wrong_or_missing_are_told_by_file_and_rule() {
    let wrong = file("wrong.toml", &RULES.replace("quota", "nonsense"));
    let (_, error) = texts(&classify(&["--rules", &wrong], b"HTTP/1.1 403"));
    assert!(
        error.contains("wrong.toml") && error.contains("rule held: class"),
        "{error}"
    );
    let (_, error) = texts(&classify(&["--rules", "/nowhere/rules"], b"HTTP/1.1 403"));
    assert!(error.contains("/nowhere/rules"), "{error}");
}

/// The costliest rules that are taken, on a text that nearly matches everywhere.
#[test]
fn rules_of_a_pool_do_not_explode() {
    let patterns = "'(?:a?){90}b', '(?:a|aa)+$', '(?:.*a){9}x', '(?:[a-f]*[b-h]){20}z'";
    let rule = |i| format!("[[rule]]\nid = \"r{i}\"\nclass = \"quota\"\ntext = [{patterns}]\n");
    let all: String = (0..32).map(rule).collect();
    let rules = file("costly.toml", &format!("version = 1\n{all}"));
    let line = json!({"status": 429, "body": "a".repeat(100_000)});
    let input = format!("{line}\n").repeat(50);
    let begun = Instant::now();
    let output = classify(&["--jsonl", "--rules", &rules], input.as_bytes());
    assert_eq!(lines(&output).len(), 50);
    // A fraction of this on an idle machine; a pattern that explodes takes hours.
    let elapsed = begun.elapsed();
    assert!(elapsed < Duration::from_secs(60), "{elapsed:?}");
}
