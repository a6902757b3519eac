//! Tests of `errors.rs`.

use std::time::Duration;

use prost::Message as _;
use tonic_types::{ErrorDetails, pb};

use super::*;
use crate::proto::{self, LeaseRefusal, RefusalReason};

fn report(status: Status) -> Report {
    Report::of(&Failure::from(status), "http://127.0.0.1:7600")
}

#[test]
fn a_bad_field_is_named_with_its_bound() {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(
            "FIELD_INVALID",
            "keylease",
            [("a".to_owned(), "b".to_owned())],
        )
        .add_bad_request_violation("pool.members[0].tier", "must be 1 to 100");
    let status =
        Status::with_error_details(Code::InvalidArgument, "tier 0 is out of bounds", details);
    let text = report(status).text();
    assert!(
        text.starts_with("error: tier 0 is out of bounds (FIELD_INVALID)\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  pool.members[0].tier (--member NAME:tier=…): must be 1 to 100"),
        "{text}"
    );
}

#[test]
fn a_refused_lease_says_when_to_retry_and_how_many_keys_are_out() {
    let refusal = LeaseRefusal {
        refused: vec![proto::RefusedKeys {
            reason: RefusalReason::Limit as i32,
            count: 2,
            ..Default::default()
        }],
        retry_time: None,
    };
    let retry = pb::RetryInfo {
        retry_delay: prost_types::Duration::try_from(Duration::from_millis(3200)).ok(),
    };
    let any = |name: &str, value| prost_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value,
    };
    let rich = pb::Status {
        code: Code::ResourceExhausted as i32,
        message: String::new(),
        details: vec![
            any("keylease.v1.LeaseRefusal", refusal.encode_to_vec()),
            any("google.rpc.RetryInfo", retry.encode_to_vec()),
        ],
    };
    let status = Status::with_details(
        Code::ResourceExhausted,
        "every key is at a limit",
        rich.encode_to_vec().into(),
    );
    let report = report(status);
    assert!(
        report.text().contains("2 keys: at a limit of the account"),
        "{}",
        report.text()
    );
    assert!(
        report.text().contains("retry: in 3.2 s"),
        "{}",
        report.text()
    );
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(json["error"]["code"], "RESOURCE_EXHAUSTED");
    assert_eq!(json["error"]["retry_after_seconds"], 3.2);
}

#[test]
fn an_absent_server_is_named_with_the_variable() {
    let failure = Failure::Unreachable("connection refused".into());
    let text = Report::of(&failure, "http://127.0.0.1:1").text();
    assert!(text.contains("http://127.0.0.1:1"), "{text}");
    assert!(text.contains("KEYLEASE_SERVER"), "{text}");
}

#[test]
fn a_status_without_details_is_still_a_sentence() {
    let text = report(Status::new(Code::Internal, "")).text();
    assert!(text.starts_with("error: the server refused:"), "{text}");
}

#[test]
fn codes_are_named_as_on_the_wire() {
    assert_eq!(code_name(Code::DeadlineExceeded), "DEADLINE_EXCEEDED");
    assert_eq!(code_name(Code::Ok), "OK");
}

#[test]
fn nothing_that_a_server_says_can_write_to_the_terminal() {
    let hostile = || "x\u{1b}[2J\n\u{202e}y\u{9b}z".to_owned();
    let mut details = ErrorDetails::new();
    details
        .set_error_info(hostile(), "keylease", [("a".to_owned(), "b".to_owned())])
        .add_bad_request_violation(hostile(), hostile())
        .add_quota_failure_violation(hostile(), hostile());
    let status = Status::with_error_details(Code::NotFound, hostile(), details);
    let report = report(status);
    let text = report.text();
    assert_eq!(words::printable_lines(&text), text);
    let quota = text.lines().nth(1);
    assert_eq!(quota, Some("  x [2J  y z: x [2J  y z"), "{text}");
    let json = report.json();
    assert_eq!(words::printable(&json), json);
}
