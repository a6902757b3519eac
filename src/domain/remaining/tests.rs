use std::time::Duration;

use super::*;
use crate::domain::classify::{built_in, stated};
use crate::domain::cooling::Weight;
use crate::domain::ledger::settle::Part;
use crate::domain::usage::Usage;

mod laws;
mod order;

const PLACES: [&str; 2] = ["", "m"];
const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);
const LASTS: Duration = Duration::from_mins(10);

/// 2026-02-18T21:59:30Z, and so many milliseconds.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros((1_771_451_970_000 + millis) * 1_000)
}

/// A lease that was given then.
fn lent(millis: i64) -> Lent {
    Lent {
        given: at(millis),
        within: LASTS,
    }
}

fn word(caller: Uuid) -> Word {
    Word {
        caller,
        weight: Some(Weight::Proven),
        model: "m".to_owned(),
    }
}

fn doubted(caller: Uuid) -> Word {
    Word {
        weight: None,
        ..word(caller)
    }
}

/// What a provider says in these headers.
fn said(provider: &str, headers: &[(&str, &str)], now: Timestamp) -> Statement {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    let headers: Vec<_> = headers.collect();
    stated(&headers, built_in().unwrap().named(provider), now)[0]
}

/// So many requests of a model, until that is over in so many milliseconds.
fn requests(remaining: u64, reset: u64) -> Statement {
    let (remaining, reset) = (remaining.to_string(), format!("{reset}ms"));
    let headers = [
        ("x-ratelimit-remaining-requests", remaining.as_str()),
        ("x-ratelimit-reset-requests", &reset),
    ];
    said("openai", &headers, at(0))
}

fn uses(caller: Uuid, uses: u64, tokens: u64) -> Leasing {
    let estimate = Estimate {
        input_tokens: tokens,
        output_tokens: 0,
        cost_micros: None,
    };
    Leasing {
        caller,
        estimate,
        uses,
    }
}

/// Leases one use after the other; how many there are.
fn leases(all: &mut Remainders, caller: Uuid, tokens: u64, now: Timestamp) -> u64 {
    let mut given = 0;
    while given < 1_000 && all.offer(PLACES, uses(caller, 1, tokens), now).is_ok() {
        all.lease(PLACES, uses(caller, 1, tokens), LASTS, now);
        given += 1;
    }
    given
}

fn left(all: &Remainders, now: Timestamp) -> u64 {
    all.offer(PLACES, uses(A, 1_000, 0), now).unwrap_or(0)
}

fn one() -> [Part; 1] {
    let consumed = Usage::default();
    [Part {
        uses: 1,
        is_not_sent: false,
        consumed,
    }]
}

#[test]
fn three_left_are_three_more_until_the_reset() {
    let mut all = Remainders::default();
    assert!(!all.hear("m", (word(A), at(0)), requests(3, 40_000), at(0)));
    assert_eq!(leases(&mut all, B, 0, at(1)), 3);
    let short = all.offer(PLACES, uses(B, 1, 0), at(1_000)).unwrap_err();
    assert_eq!(short.spent.wait, Duration::from_secs(39));
    assert_eq!((short.place.as_str(), short.word.caller), ("m", A));
    assert_eq!(
        short.why,
        "rate_limit (3 requests left, by its headers, and 3 leased since)"
    );
    // Of another model nothing is said.
    assert!(all.offer(["", "n"], uses(B, 1, 0), at(1)).is_ok());
    assert_eq!(leases(&mut all, B, 0, at(40_000)), 1_000);
    assert!(all.is_empty());
}

#[test]
fn a_lease_of_many_uses_gets_as_many_as_are_left() {
    let mut all = Remainders::default();
    all.hear("", (word(A), at(0)), requests(3, 40_000), at(0));
    assert_eq!(all.offer(PLACES, uses(A, 10, 0), at(1)).unwrap(), 3);
    assert_eq!(all.offer(PLACES, uses(A, 2, 0), at(1)).unwrap(), 2);
    let spent = all.lease(PLACES, uses(A, 3, 0), LASTS, at(1));
    assert_eq!(spent.len(), 1);
}

#[test]
fn tokens_are_counted_by_estimate() {
    let tokens = |remaining| {
        let headers = [
            ("x-ratelimit-remaining-tokens", remaining),
            ("x-ratelimit-reset-tokens", "40s"),
        ];
        said("openai", &headers, at(0))
    };
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), tokens("1000"), at(0));
    assert_eq!(leases(&mut all, A, 300, at(1)), 3);
    // A smaller use fits still.
    assert_eq!(leases(&mut all, A, 50, at(1)), 2);
    // What needs more than there is takes all there is, and waits for no more.
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), tokens("1000"), at(0));
    assert_eq!(leases(&mut all, A, 5_000, at(1)), 1);
}

#[test]
fn what_comes_back_one_by_one_is_leased_as_it_does() {
    let headers = [
        ("anthropic-ratelimit-requests-limit", "60"),
        ("anthropic-ratelimit-requests-remaining", "10"),
        ("anthropic-ratelimit-requests-reset", "2026-02-18T22:00:20Z"),
    ];
    let mut all = Remainders::default();
    all.hear(
        "m",
        (word(A), at(0)),
        said("anthropic", &headers, at(0)),
        at(0),
    );
    assert_eq!(leases(&mut all, A, 0, at(1)), 10);
    let short = all.offer(PLACES, uses(A, 1, 0), at(1)).unwrap_err();
    assert_eq!(short.spent.wait, Duration::from_secs(1));
    assert_eq!(leases(&mut all, A, 0, at(5_500)), 5);
}

#[test]
fn a_reset_in_rfc_3339_is_one() {
    let headers = [
        ("anthropic-ratelimit-requests-remaining", "2"),
        ("anthropic-ratelimit-requests-reset", "2026-02-18T22:00:10Z"),
    ];
    let mut all = Remainders::default();
    all.hear(
        "m",
        (word(A), at(0)),
        said("anthropic", &headers, at(0)),
        at(0),
    );
    assert_eq!(leases(&mut all, A, 0, at(1)), 2);
    let short = all.offer(PLACES, uses(A, 1, 0), at(1_000)).unwrap_err();
    assert_eq!(short.spent.wait, Duration::from_secs(39));
}

#[test]
fn what_was_not_sent_is_left_again_unless_that_is_in_doubt() {
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), requests(1, 40_000), at(10));
    assert_eq!(leases(&mut all, A, 0, at(20)), 1);
    let parts = [Part::not_sent(1)];
    let none = |_| None;
    assert!(!all.answer(PLACES, lent(20), (&parts, true), none, at(30)));
    // Nor of a lease that was not counted.
    assert!(!all.answer(PLACES, lent(9), (&parts, false), none, at(30)));
    assert!(all.answer(PLACES, lent(20), (&parts, false), none, at(30)));
    assert_eq!(leases(&mut all, A, 0, at(30)), 1);
}

#[test]
fn a_doubted_caller_is_bound_by_its_word_alone_and_changes_no_others() {
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), requests(5, 40_000), at(0));
    all.hear("m", (doubted(B), at(0)), requests(1, 40_000), at(0));
    assert_eq!(leases(&mut all, B, 0, at(1)), 1);
    assert_eq!(leases(&mut all, A, 0, at(1)), 4);
    assert!(all.hear("m", (doubted(B), at(2)), requests(900, 39_000), at(2)));
    let short = all.offer(PLACES, uses(B, 1, 0), at(3)).unwrap_err();
    assert_eq!(short.word, word(A));
}

#[test]
fn models_that_are_made_up_fill_no_memory_and_push_out_nobodys() {
    let mut all = Remainders::default();
    for i in 0..1_000 {
        let reset = 10_000 + i;
        all.hear(
            &format!("a{i}"),
            (word(A), at(0)),
            requests(1, reset),
            at(0),
        );
    }
    assert_eq!(all.count(), room::CALLER_REMAINDERS_MAX);
    for caller in 10..1_000 {
        let word = word(Uuid::from_u128(caller));
        let place = format!("b{caller}");
        all.hear(&place, (word, at(0)), requests(1, 30_000), at(0));
    }
    assert_eq!(all.count(), room::REMAINDERS_MAX);
    // What has ended makes room.
    all.hear("m", (word(A), at(30_000)), requests(1, 1_000), at(30_000));
    assert_eq!(all.count(), 1);
}
