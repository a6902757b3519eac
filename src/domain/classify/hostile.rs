//! What comes from outside may be anything: it is read up to a bound, and never ends the process.

use proptest::prelude::*;

use super::{BODY_BYTES_MAX, HEADERS_MAX, Response, RuleBook, explain};
use crate::domain::pool::TTL_MAX;
use crate::domain::time::Timestamp;

fn classified(status: u16, headers: &[(String, Vec<u8>)], body: &[u8]) -> Option<String> {
    thread_local! {
        static BOOK: RuleBook = RuleBook::built_in().unwrap();
    }
    let response = Response {
        status,
        headers,
        body,
    };
    BOOK.with(|book| {
        let now = Some(Timestamp::from_micros(1_771_451_970_000_000));
        let found = explain(&response, book.named("generic"), now);
        if let Some(stated) = found.as_ref().and_then(|found| found.failure.retry_after) {
            assert!(stated <= TTL_MAX);
        }
        found.map(|found| found.rule.to_owned())
    })
}

fn header(name: &str, value: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), value.to_vec())
}

#[test]
fn ten_megabytes_are_as_good_as_their_first_four_kilobytes() {
    let mut body = br#"{"error":{"type":"insufficient_quota","message":"#.to_vec();
    body.resize(10 * 1024 * 1024, b'"');
    let whole = classified(429, &[], &body);
    assert_eq!(whole, classified(429, &[], &body[..BODY_BYTES_MAX]));
    assert_eq!(whole.as_deref(), Some("quota/quota-code"));
}

#[test]
fn the_end_of_a_long_stream_is_read() {
    let mut body = b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".repeat(1_000);
    assert_eq!(classified(200, &[], &body), None);
    body.extend(b"data: {\"error\":{\"code\":\"insufficient_quota\",\"message\":\"You exceeded your current quota\"}}\n\n");
    assert_eq!(
        classified(200, &[], &body).as_deref(),
        Some("quota/quota-code")
    );
}

#[test]
fn a_bomb_of_headers_is_read_up_to_the_bound() {
    let value = vec![b'9'; 1_000_000];
    let mut headers = vec![header("retry-after", b"7")];
    headers.resize_with(10_000, || header("x-ratelimit-reset", &value[..1_000]));
    headers.push(header("retry-after-ms", &value));
    assert!(headers.len() > HEADERS_MAX);
    assert!(classified(429, &headers, b"").is_some());
}

#[test]
fn depth_does_not_reach_the_stack() {
    for open in ["[", "{\"a\":", "{\"error\":[", "\"{\\\"a\\\":"] {
        let body = open.repeat(1_000_000);
        assert!(classified(400, &[], body.as_bytes()).is_some());
    }
}

#[test]
fn bytes_that_are_no_text_are_passed_over() {
    let body =
        b"{\"error\":{\"message\":\"\xff\xfe insufficient balance, please recharge soon \xf0\x9f\",\"code\":\"\x80\"}}";
    assert_eq!(classified(429, &[], body).as_deref(), Some("quota/money"));
    let headers = [header("retry-after", b"\xff\xfe"), header("\u{fffd}", b"")];
    assert!(classified(429, &headers, &[0xff; 5_000]).is_some());
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        status in any::<u16>(),
        names in proptest::collection::vec("[a-zA-Z-]{0,20}|retry-after|date|x-ratelimit-reset", 0..8),
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 8),
        body in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let headers: Vec<_> = names.into_iter().zip(values).collect();
        classified(status, &headers, &body);
    }

    #[test]
    fn nor_do_pieces_of_real_bodies(
        status in prop_oneof![Just(200_u16), 400_u16..600],
        pieces in proptest::collection::vec(prop_oneof![
            Just("{\"error\":"), Just("\"retry after "), Just("9"), Just("}"), Just("[{"), Just("\\u4f59"), Just("余额"),
            Just("data: "), Just("\n\n"), Just("<html>"), Just("\","), Just("2026-02-18T"), Just(":"), Just("\\"), Just("limit: 0"),
            Just("请 5 分"), Just("钟后"), Just("try again in "), Just("1.5s"), Just("x".repeat(300).leak() as &str),
        ], 0..60),
        retry_after in "-?[0-9]{0,25}(\\.[0-9]{0,5})?[a-z]{0,3}",
    ) {
        let headers = [header("retry-after", retry_after.as_bytes())];
        classified(status, &headers, pieces.concat().as_bytes());
    }
}
