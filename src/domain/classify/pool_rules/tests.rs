use std::time::Duration;

use super::*;
use crate::domain::classify::{Blame, Failure, Response, built_in, explain};

const HEAD: &str = "version = 1\n[[rule]]\n";

fn refused(rest: &str) -> String {
    PoolRules::parse(format!("{HEAD}{rest}")).unwrap_err()
}

fn failure(rules: &PoolRules, status: u16, body: &str) -> (String, Failure) {
    let response = Response {
        status,
        headers: &[("x-hold".to_owned(), b"Yes".to_vec())],
        body: body.as_bytes(),
    };
    let book = built_in().unwrap();
    let found = explain(&response, book.named("openai").after(Some(rules)), None).unwrap();
    (found.rule.to_owned(), found.failure)
}

#[test]
fn the_first_that_holds_decides_and_the_built_in_ones_come_last() {
    let text = r#"
version = 1
# Our reseller says so while our invoice is open.
[[rule]]
id = "invoice"
status = ["403"]
text = ['invoice .* is open']
class = "quota"
scope = "account"
cooldown = "2h"

[[rule]]
id = "held"
headers = { x-hold = "yes" }
codes = ["held*"]
class = "rate_limit"
"#;
    let rules = PoolRules::parse(text.to_owned()).unwrap();
    assert_eq!(
        rules.ids().collect::<Vec<_>>(),
        ["pool/invoice", "pool/held"]
    );
    let body = r#"{"error":{"message":"Invoice 7 is open","code":"held_back"}}"#;
    let (rule, failure_403) = failure(&rules, 403, body);
    assert_eq!(rule, "pool/invoice");
    assert_eq!(failure_403.retry_after, Some(Duration::from_hours(2)));
    assert_eq!(failure(&rules, 429, body).0, "pool/held");
    assert_eq!(failure(&rules, 401, "").0, "status/401");
}

#[test]
fn what_the_response_states_comes_before_the_rule() {
    let text =
        format!("{HEAD}id = \"a\"\ncodes = [\"held\"]\nclass = \"rate_limit\"\ncooldown = \"2h\"");
    let rules = PoolRules::parse(text).unwrap();
    let body = r#"{"error":{"code":"held","retry_after":7}}"#;
    let (_, failure) = failure(&rules, 429, body);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
}

/// What a rule says besides its id and class quota, or all of it, and words of the answer.
#[rustfmt::skip]
const REFUSED: &[(&str, [&str; 2])] = &[
    ("id = \"A b\"\nclass = \"quota\"", ["rule[0]: id", "a-z, 0-9"]),
    ("id = \"a\"\nclass = \"nonsense\"", ["rule a: class", "rate_limit, "]),
    ("scope = \"moon\"", ["rule a: scope", "account_model, "]),
    ("advice = \"pray\"", ["rule a: advice", "do_not_retry"]),
    ("body = [\"pdf\"]", ["rule a: body", "html"]),
    ("", ["rule a: must have", "condition"]),
    ("id = \"a\"\nclass = \"unknown\"\ncodes = [\"b\"]\nscope = \"egress\"", ["rule a: scope", "remove scope, or name a class"]),
    ("id = \"a\"\nclass = \"unknown\"\ncodes = [\"b\"]\nadvice = \"do_not_retry\"", ["rule a: advice", "remove advice, or name a class"]),
    ("codes = [\"b\"]\nguess = true\nscope = \"key\"", ["rule a: scope is void beside guess = true", "remove scope"]),
    ("fallback = true", ["rule a: fallback", "built-in"]),
    ("codes = [\"b\"]\ncooldown = \"32days\"", ["cooldown", "31days"]),
    ("codes = [\"b\"]\ncooldown = \"-1s\"", ["cooldown", "1s to"]),
    ("id = \"a\"\nclass = \"credential\"\ncodes = [\"b\"]\ncooldown = \"1h\"", ["cooldown", "quota and rate_limit only"]),
    ("id = \"a\"\nclass = \"credential\"\nstatus = [\"401-503\"]", ["rule a: class", "5xx"]),
    ("id = \"a\"\nclass = \"credential\"\nbody = [\"html\"]", ["rule a: class", "5xx"]),
    ("text = [\"(a{1000}){1000}\"]", ["rule a: text", "16384 bytes"]),
    ("unless = [\"(\"]", ["rule a: unless", "unclosed group"]),
    ("text = [\"(?=a)\"]", ["rule a: text", "look-around"]),
    ("when = 1", ["line 5", "unknown field"]),
    ("[[provider]]\nnames = []", ["[[provider]]", "remove"]),
];

#[test]
fn what_a_pool_may_not_say_is_refused_by_rule_field_and_bound() {
    let many = format!("codes = [{}]", "\"a\",".repeat(VALUES_MAX + 1));
    let long = format!("codes = [\"{}\"]", "a".repeat(VALUE_BYTES_MAX + 1));
    let bounds = [
        (many.as_str(), ["rule a: codes has 17 values", "at most 16"]),
        (
            long.as_str(),
            ["rule a: codes has a value of 257 bytes", "at most 256"],
        ),
    ];
    for (rest, words) in REFUSED.iter().chain(&bounds) {
        let is_whole = rest.starts_with("id = ");
        let begin = if is_whole {
            ""
        } else {
            "id = \"a\"\nclass = \"quota\"\n"
        };
        let what = refused(&format!("{begin}{rest}"));
        for word in words {
            assert!(what.contains(word), "{rest}: {what}");
        }
        assert!(what.len() <= FAULT_BYTES_MAX + 3, "{}", what.len());
    }
}

#[test]
fn a_file_that_is_none_is_refused_whatever_it_is() {
    let rule = |i: usize| format!("[[rule]]\nid = \"r{i}\"\nclass = \"quota\"\ncodes = [\"c\"]\n");
    let many: String = (0..=RULES_MAX).map(rule).collect();
    for (text, word) in [
        (String::new(), "version"),
        ("version = 2".to_owned(), "must be 1"),
        ("version = 1".to_owned(), "1 to 32"),
        (format!("version = 1\n{many}"), "33 rules"),
        (
            format!("version = 1\n{}{}", rule(1), rule(1)),
            "two rules pool/r1",
        ),
        ("x".repeat(POOL_RULES_BYTES_MAX + 1), "16384"),
        (format!("a = {}", "[".repeat(10_000)), "line 1"),
        (format!("a = {}", "{b=".repeat(5_000)), "line 1"),
        (
            format!("version = 1\n{} = 1", "k".repeat(10_000)),
            "unknown field",
        ),
    ] {
        let what = PoolRules::parse(text).unwrap_err();
        assert!(what.contains(word), "{what}");
        assert!(what.len() <= FAULT_BYTES_MAX + 3);
    }
}

#[test]
fn what_nobody_can_name_counts_against_the_key_and_an_earlier_release_may_have_said_more_of_it() {
    let plain = format!("{HEAD}id = \"a\"\nclass = \"unknown\"\ncodes = [\"held\"]");
    let body = r#"{"error":{"code":"held"}}"#;
    let more = PoolRules::stored(format!(
        "{plain}\nscope = \"egress\"\nadvice = \"do_not_retry\""
    ));
    assert_eq!(more.fault(), None);
    for rules in [PoolRules::parse(plain).unwrap(), more] {
        let (rule, failure) = failure(&rules, 403, body);
        assert_eq!(
            (rule.as_str(), failure.class),
            ("pool/a", FailureClass::Unknown)
        );
        assert_eq!(failure.blame, Blame::Key);
    }
}

#[test]
fn what_a_newer_release_stored_is_kept_and_judges_nothing() {
    let text = "version = 9\n[[rule]]\nid = \"a\"\nclass = \"new\"";
    let rules = PoolRules::stored(text.to_owned());
    assert!(rules.fault().unwrap().contains("version 9"));
    assert_eq!(rules.text(), text);
    assert_eq!(failure(&rules, 401, "").0, "status/401");
}
