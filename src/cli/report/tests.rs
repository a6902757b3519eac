//! Tests of `report.rs`.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: ReportArgs,
}

fn outcome(line: &[&str]) -> Outcome {
    let line = ["report", "L"].iter().chain(line);
    Line::parse_from(line).args.outcome().unwrap()
}

#[test]
fn a_failure_travels_as_it_was_received() {
    let outcome = outcome(&[
        "--status",
        "429",
        "--header",
        "Retry-After: 20",
        "--count",
        "2",
    ]);
    assert_eq!(outcome.count, Some(2));
    assert!(outcome.usage.is_none(), "unset means: as estimated");
    let Some(outcome::Result::Http(http)) = outcome.result else {
        panic!("not an HTTP result")
    };
    assert_eq!(http.status, 429);
    assert_eq!(http.headers[0].name, "Retry-After");
    assert_eq!(http.headers[0].value, b"20");
}

#[test]
fn a_request_without_an_answer_says_where_it_failed() {
    for (flag, kind) in [
        ("--timeout", TransportFailureKind::Timeout),
        ("--connect", TransportFailureKind::Connect),
        ("--cancelled", TransportFailureKind::Cancelled),
    ] {
        let Some(outcome::Result::Transport(failure)) = outcome(&[flag]).result else {
            panic!("not a transport failure")
        };
        assert_eq!(failure.kind(), kind);
    }
}

#[test]
fn usage_is_sent_when_any_of_it_is_known() {
    let usage = outcome(&["--success", "--usage-output", "95"])
        .usage
        .unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (0, 95));
}

#[test]
fn of_a_long_stream_both_ends_are_sent_and_of_another_body_the_beginning() {
    let mut stream = b"data: first\n\n".to_vec();
    stream.extend(b"data: more\n\n".repeat(1_000));
    stream.extend(b"data: last\n\n");
    let sent = sent_of(&stream);
    assert_eq!(sent.len(), BODY_BYTES_MAX);
    assert!(sent.starts_with(b"data: first") && sent.ends_with(b"data: last\n\n"));
    let page = [b"<".as_slice(), &stream].concat();
    assert_eq!(sent_of(&page), page[..BODY_BYTES_MAX]);
}
