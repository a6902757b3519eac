//! `keylease classify` as a process: one response, many, and what is no response.

use std::io::Write as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::process::{keylease, texts};

const SAMPLES: &str = include_str!("../data/provider-errors.jsonl");

/// Runs it with this input.
pub(crate) fn classify(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = keylease(&[&["classify"], arguments].concat());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Written beside reading: neither side's pipe holds all of it.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

/// Its answers, one a line.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let (out, _) = texts(output);
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn one_response_is_explained() {
    let response = b"HTTP/2 429\r\nretry-after: 7\r\ncontent-type: application/json\r\n\r\n{\"error\":{\"code\":\"slow_down\"}}";
    let output = classify(&["--profile", "openai"], response);
    let (out, error) = texts(&output);
    assert!(output.status.success(), "{error}");
    for words in [
        "openai/slow-down",
        "rate_limit",
        "account",
        "7s",
        "retry_other_key",
    ] {
        assert!(out.contains(words), "{out}");
    }
    let well = classify(&[], b"HTTP/1.1 200 OK\r\n\r\n{\"choices\":[]}");
    assert!(texts(&well).0.contains("no failure"));
}

#[test]
fn every_sample_is_answered_by_its_verdict() {
    let output = classify(&["--jsonl"], SAMPLES.as_bytes());
    assert!(output.status.success());
    let answers = lines(&output);
    assert_eq!(answers.len(), SAMPLES.lines().count());
    for (sample, answer) in SAMPLES.lines().zip(&answers) {
        let sample: Value = serde_json::from_str(sample).unwrap();
        for field in ["class", "scope", "advice"] {
            assert_eq!(answer[field], sample["expect"][field], "{}", sample["id"]);
        }
        assert!(answer["rule"].as_str().unwrap().contains('/'));
        assert!(answer.get("guess").is_none_or(|guess| guess == true));
    }
}

/// "unknown" is no word for a failure, and nothing in the verdict may say it; that it is a guess is told.
#[test]
fn what_no_rule_explains_gets_the_likeliest_word() {
    let lines_in = [
        json!({"status": 403}),
        json!({"status": 403, "body": {"message": "Forbidden"}}),
        json!({"status": 403, "body": {"message": "Not on Sundays"}}),
        json!({"status": 418}),
        json!({"status": 302}),
    ];
    let input: String = lines_in.iter().map(|line| format!("{line}\n")).collect();
    let answers = lines(&classify(&["--jsonl"], input.as_bytes()));
    let found: Vec<_> = answers
        .iter()
        .map(|a| {
            let of = |field: &str| a[field].as_str().unwrap_or_default().to_owned();
            (of("class"), of("scope"), of("advice"))
        })
        .collect();
    let verdict = |class: &str, scope: &str| {
        let advice = "do_not_retry".to_owned();
        (class.to_owned(), scope.to_owned(), advice)
    };
    let egress = || verdict("region_or_egress", "egress");
    let request = || verdict("caller_fault", "request");
    assert_eq!(found, [egress(), egress(), request(), request(), request()]);
    assert!(answers.iter().all(|answer| answer["guess"] == true));
    let (out, _) = texts(&classify(&[], b"HTTP/1.1 418 I'm a teapot\r\n\r\n"));
    for words in ["caller_fault, most likely", "cooldown  none"] {
        assert!(out.contains(words), "{out}");
    }
}

#[test]
fn what_is_no_response_is_told_in_its_place() {
    let ten_megabytes = "x".repeat(10 * 1024 * 1024);
    let large = json!({"provider": "nobody", "status": 500, "body": ten_megabytes});
    let too_large = "y".repeat(20 * 1024 * 1024);
    let input = format!(
        "{{\"status\": 401}}\nnonsense\n\n{large}\n{too_large}\n{}\n{{\"status\": 200, \"body\": \"{{}}\"}}",
        "[".repeat(100_000)
    );
    let output = classify(&["--jsonl"], input.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let answers = lines(&output);
    let classes: Vec<_> = answers.iter().map(|a| a["class"].as_str()).collect();
    let expected = [
        Some("credential"),
        None,
        Some("provider_fault"),
        None,
        None,
        None,
    ];
    assert_eq!(classes, expected);
    let told = |answer: &Value| answer["error"].as_str().unwrap_or_default().to_owned();
    assert!(told(&answers[1]).starts_with("line 2 "));
    assert!(told(&answers[3]).contains("16 MiB"));
    assert!(answers[5].get("error").is_none());
    for wrong in [&b"hello"[..], b"", b"HTTP/1.1"] {
        assert_eq!(classify(&[], wrong).status.code(), Some(1));
    }
}

#[test]
fn texts_that_nearly_match_everywhere_take_no_longer() {
    let mut input = String::new();
    for text in [
        "ip ",
        "api key ",
        "limit per ",
        "model not access ",
        "exceeded your plan ",
        "credits ",
        "1.1.1.1 ",
        "0 ",
        "retry after 1 ",
        "organization ",
        "access model ",
        "余额",
        "a",
        "daily b ",
        "{\"",
        "[",
        "\\u",
    ] {
        for status in [200, 401, 403, 429, 500] {
            let body = json!({"error": {"message": text.repeat(10_000)}}).to_string();
            let line = json!({"provider": "generic", "status": status, "body": body});
            input += &format!("{line}\n");
        }
    }
    let begun = Instant::now();
    let output = classify(&["--jsonl"], input.as_bytes());
    assert_eq!(lines(&output).len(), 85);
    // A fraction of this on an idle machine; a pattern that explodes takes hours.
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn hostile_lines_get_their_verdicts() {
    let bomb: serde_json::Map<_, _> = (0..10_000)
        .map(|i| {
            (
                format!("x-ratelimit-reset-{i}"),
                json!("9999999999999999999999"),
            )
        })
        .collect();
    let deep = "{\"error\":[".repeat(300_000);
    let absurd = |value: &str| json!({"status": 429, "headers": {"retry-after": value}});
    let lines_in = [
        json!({"status": 429, "headers": bomb}),
        json!({"status": 503, "body": deep}),
        absurd("-5"),
        absurd("1e30"),
        absurd("99999999999999999999"),
        absurd("7776000"),
    ];
    let mut input: Vec<u8> = lines_in
        .iter()
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect();
    input.extend(b"{\"status\": 401, \"body\": \"\xff\xfe invalid \xf0\x9f key\"}\n");
    let output = classify(&["--jsonl"], &input);
    assert!(output.status.success(), "{:?}", texts(&output).1);
    let answers = lines(&output);
    let classes: Vec<_> = answers
        .iter()
        .map(|a| a["class"].as_str().unwrap())
        .collect();
    let rate = "rate_limit";
    assert_eq!(
        classes,
        [rate, "provider_fault", rate, rate, rate, rate, "credential"]
    );
    let stated: Vec<_> = answers
        .iter()
        .map(|a| a["retry_after_ms"].as_u64())
        .collect();
    let month = Some(31 * 86_400_000);
    assert_eq!(stated, [None, None, None, None, None, month, None]);
}
