use super::*;
use crate::domain::classify::built_in;

/// 2026-02-18T21:59:30Z.
const NOW: i64 = 1_771_451_970;

fn of(provider: &str, headers: &[(&str, &str)]) -> Vec<Statement> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let now = Timestamp::from_micros(NOW * 1_000_000);
    stated(&headers, built_in().unwrap().named(provider), now)
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Provider, headers, and then: dimension, whose, window in seconds, limit, rest, and the wait in milliseconds for a use of one unit.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    (
        Dimension,
        Blame,
        Option<u64>,
        Option<u64>,
        Option<u64>,
        Option<u64>,
    ),
);

use Blame::{Account, AccountModel, Key};
use Dimension::{InputTokens, OutputTokens, Requests, Tokens};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("openai", &[("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"), ("x-ratelimit-reset-requests", "120ms")],
        (Requests, AccountModel, Some(MINUTE), Some(500), Some(499), None)),
    // Ten thousand a day, which come back one in 8.64 s.
    ("openai", &[("x-ratelimit-limit-requests", "10000"), ("x-ratelimit-remaining-requests", "9999"), ("x-ratelimit-reset-requests", "8.64s")],
        (Requests, AccountModel, Some(DAY), Some(10_000), Some(9_999), None)),
    ("openai", &[("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m0s")],
        (Requests, AccountModel, Some(MINUTE), Some(500), Some(0), Some(120))),
    // It fits neither window: then the reset is all that is known.
    ("openai", &[("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "8.64s")],
        (Requests, AccountModel, None, Some(500), Some(0), Some(8_640))),
    ("openai", &[("x-ratelimit-limit-tokens", "30000"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "60s")],
        (Tokens, AccountModel, Some(MINUTE), Some(30_000), Some(0), Some(2))),
    ("anthropic", &[("anthropic-ratelimit-requests-limit", "50"), ("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", "2026-02-18T22:00:30Z")],
        (Requests, AccountModel, Some(MINUTE), Some(50), Some(0), Some(1_200))),
    // A reset beyond the window is believed for as long as that.
    ("openai", &[("x-ratelimit-limit-tokens", "150000"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")],
        (Tokens, AccountModel, Some(MINUTE), Some(150_000), Some(0), Some(60_000))),
    ("anthropic", &[("anthropic-ratelimit-tokens-remaining", "0"), ("anthropic-ratelimit-tokens-reset", "2026-02-18T22:01:00Z")],
        (Tokens, AccountModel, Some(MINUTE), None, Some(0), Some(60_000))),
    ("nobody", &[("x-ratelimit-limit", "1000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "43200")],
        (Requests, Account, None, Some(1_000), Some(0), Some(3_600_000))),
    ("anthropic", &[("anthropic-ratelimit-input-tokens-limit", "30000"), ("anthropic-ratelimit-input-tokens-remaining", "30000"), ("anthropic-ratelimit-input-tokens-reset", "2026-02-18T21:59:30Z")],
        (InputTokens, AccountModel, Some(MINUTE), Some(30_000), Some(30_000), None)),
    ("anthropic", &[("anthropic-ratelimit-output-tokens-limit", "8000"), ("anthropic-ratelimit-output-tokens-remaining", "8000")],
        (OutputTokens, AccountModel, Some(MINUTE), Some(8_000), Some(8_000), None)),
    ("groq", &[("x-ratelimit-limit-requests", "14400"), ("x-ratelimit-remaining-requests", "14370"), ("x-ratelimit-reset-requests", "2m59.56s")],
        (Requests, AccountModel, Some(DAY), Some(14_400), Some(14_370), None)),
    ("groq", &[("x-ratelimit-limit-requests", "14400"), ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "23h59m59s")],
        (Requests, AccountModel, Some(DAY), Some(14_400), Some(0), Some(5_999))),
    ("groq", &[("x-ratelimit-limit-tokens", "18000"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "7.66s")],
        (Tokens, AccountModel, Some(MINUTE), Some(18_000), Some(0), Some(7_660))),
    ("cerebras", &[("x-ratelimit-limit-requests-day", "14400"), ("x-ratelimit-remaining-requests-day", "0"), ("x-ratelimit-reset-requests-day", "33011.38")],
        (Requests, AccountModel, Some(DAY), Some(14_400), Some(0), Some(33_011_380))),
    ("cerebras", &[("x-ratelimit-limit-tokens-minute", "60000"), ("x-ratelimit-remaining-tokens-minute", "0"), ("x-ratelimit-reset-tokens-minute", "11.4")],
        (Tokens, AccountModel, Some(MINUTE), Some(60_000), Some(0), Some(11_400))),
    // Nothing says when they are back: once the window has passed, and of a day's an hour at a time.
    ("mistral", &[("x-ratelimit-limit-tokens-minute", "500000"), ("x-ratelimit-remaining-tokens-minute", "0")],
        (Tokens, AccountModel, Some(MINUTE), Some(500_000), Some(0), Some(60_000))),
    ("azure_openai", &[("x-ratelimit-remaining-tokens", "0")],
        (Tokens, AccountModel, Some(MINUTE), None, Some(0), Some(60_000))),
    ("groq", &[("x-ratelimit-limit-requests", "14400"), ("x-ratelimit-remaining-requests", "0")],
        (Requests, AccountModel, Some(DAY), Some(14_400), Some(0), Some(3_600_000))),
    // Nor does anything say which window it is: nobody can wait for that.
    ("nobody", &[("x-ratelimit-remaining-requests", "0")],
        (Requests, Account, None, None, Some(0), None)),
    ("mistral", &[("x-ratelimit-limit-req-minute", "60"), ("x-ratelimit-remaining-req-minute", "59")],
        (Requests, AccountModel, Some(MINUTE), Some(60), Some(59), None)),
    ("github", &[("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1771455000"), ("x-ratelimit-resource", "core")],
        (Requests, Key, Some(HOUR), Some(5_000), Some(0), Some(3_030_000))),
    ("sendgrid", &[("x-ratelimit-limit", "500"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1771451990")],
        (Requests, Account, None, Some(500), Some(0), Some(20_000))),
    // Of somebody unknown, and of a shape that many have.
    ("nobody", &[("X-RateLimit-Remaining-Requests", "0"), ("X-RateLimit-Reset-Requests", "30")],
        (Requests, Account, None, None, Some(0), Some(30_000))),
    ("nobody", &[("ratelimit-limit", "100"), ("ratelimit-remaining", "-3"), ("ratelimit-reset", "50")],
        (Requests, Account, None, Some(100), Some(0), Some(50_000))),
];

#[test]
fn headers_are_read_as_their_provider_means_them() {
    for (provider, headers, expected) in ROWS {
        let found = of(provider, headers);
        assert_eq!(found.len(), 1, "{provider} {headers:?}: {found:?}");
        let it = found[0];
        let window = it.window.map(|window| window.as_secs());
        let wait = it.spent(1).map(|spent| spent.wait.as_millis() as u64);
        let read = (it.dimension, it.blame, window, it.limit, it.remaining, wait);
        assert_eq!(read, *expected, "{provider} {headers:?}");
    }
}

#[test]
fn a_use_that_does_not_fit_waits_for_what_it_lacks() {
    let left = |remaining: &'static str| {
        let found = of(
            "openai",
            &[
                ("x-ratelimit-limit-tokens", "60000"),
                ("x-ratelimit-remaining-tokens", remaining),
                ("x-ratelimit-reset-tokens", "60s"),
            ],
        );
        found[0]
    };
    assert_eq!(left("0").spent(1_000).unwrap().wait, Duration::from_secs(1));
    assert!(left("1000").spent(1_000).is_none());
    // Nothing needs more than a tenth: what never fits would cool for ever.
    assert_eq!(
        left("0").spent(u64::MAX).unwrap().wait,
        Duration::from_secs(6)
    );
    assert!(left("6000").spent(u64::MAX).is_none());
    assert_eq!(left("0").spent(1).unwrap().class, FailureClass::RateLimit);
}

#[test]
fn a_wait_of_more_than_an_hour_is_a_quota() {
    let found = of(
        "cerebras",
        &[
            ("x-ratelimit-remaining-requests-day", "0"),
            ("x-ratelimit-reset-requests-day", "33011.38"),
        ],
    );
    assert_eq!(found[0].spent(1).unwrap().class, FailureClass::Quota);
}

#[test]
fn what_is_hostile_or_broken_states_nothing() {
    let huge = "9".repeat(250);
    for value in [
        "",
        " ",
        "NaN",
        "inf",
        "-inf",
        "1e30",
        "0x10",
        "1,000",
        "5, 1000",
        "soon",
        "1_000",
        "٣",
        &huge,
        "1000000000000000000000000000000",
        "1000000000001",
        "--1",
        "+5",
    ] {
        let headers = [
            ("x-ratelimit-limit-requests", value),
            ("x-ratelimit-remaining-requests", value),
        ];
        assert_eq!(of("openai", &headers), [], "{value}");
    }
    // No amount of nothing, no reset that is none, no two words for one thing.
    let limit = |value| of("groq", &[("x-ratelimit-limit-tokens", value)]);
    assert_eq!(limit("0"), []);
    assert_eq!(limit("1000000000000")[0].limit, Some(AMOUNT_MAX));
    for reset in ["-1", "NaN", "0"] {
        let headers = [
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", reset),
        ];
        assert_eq!(of("groq", &headers)[0].spent(1), None, "{reset}");
    }
    let twice = [
        ("x-ratelimit-limit-tokens", "5"),
        ("X-Ratelimit-Limit-Tokens", "6"),
    ];
    assert_eq!(of("groq", &twice), []);
    // A budget of another resource is not the account's.
    let search = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-limit", "30"),
        ("x-ratelimit-resource", "search"),
    ];
    assert_eq!(of("github", &search), []);
}

#[test]
fn nothing_left_of_no_limit_states_nothing() {
    for (limit, remaining) in [("-1", "-1"), ("0", "0"), ("-1", "0"), ("0", "-1")] {
        let headers = [
            ("x-ratelimit-limit-tokens", limit),
            ("x-ratelimit-remaining-tokens", remaining),
            ("x-ratelimit-reset-tokens", "60s"),
        ];
        for provider in ["openai", "groq", "generic"] {
            assert_eq!(of(provider, &headers), [], "{provider} {limit}");
        }
    }
}

#[test]
fn a_bomb_of_headers_is_read_up_to_the_bound() {
    let mut headers = vec![("x-other", "1"); 10_000];
    headers.push(("x-ratelimit-remaining-tokens", "0"));
    assert_eq!(of("groq", &headers), []);
}
