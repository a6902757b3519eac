use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::id::Id;
use crate::domain::ledger::budget::Take;
use crate::domain::ledger::entry::Seen;
use crate::domain::ledger::example::{granted, need};
use crate::domain::ledger::work::Answer;
use crate::domain::limit::{Dimension, Owner};
use crate::domain::models::Pattern;
use crate::domain::terms::Span;
use crate::domain::time::Timestamp;

fn limit(number: u128, dimension: Dimension, models: &[&str]) -> Arc<Limit> {
    let pattern = |text: &&str| Pattern::parse("models", text).unwrap();
    Arc::new(Limit {
        uid: Uuid::from_u128(number),
        rev: 1,
        owner: Owner::Account(Uuid::from_u128(9)),
        id: Id::parse("id", &format!("l{number}")).unwrap(),
        create_time: Timestamp::from_micros(0),
        update_time: Timestamp::from_micros(0),
        dimension,
        amount: 100,
        span: Span::Rolling(Duration::from_mins(1)),
        mode: Mode::Enforce,
        models: models.iter().map(pattern).collect(),
        validity: None,
        start_within: None,
        blackout: None,
        offline: None,
    })
}

fn named(budget: &mut Budget, need: Need<'_>, now: BootTime) -> Vec<(u128, u64, Because)> {
    assert!(!matches!(budget.take(need, now), Take::Taken(_)));
    let lacks = budget.lacks(need, now);
    let named = lacks.map(|lack| (lack.limit.uid.as_u128(), lack.needed, lack.because));
    named.collect()
}

#[test]
fn only_the_limits_that_refuse_are_named_and_what_one_use_needs_of_them() {
    let mut budget = Budget::default();
    let (requests, tokens) = (
        limit(1, Dimension::Requests, &[]),
        limit(2, Dimension::Tokens, &[]),
    );
    budget.reconfigure(&[Arc::clone(&requests), tokens]);
    let now = BootTime::from_nanos(1);
    assert_eq!(
        budget.take(need(30, None), now),
        Take::Short(Wait::default())
    );
    // The requests are granted, the tokens are not.
    budget.answered(requests.uid, &granted(&requests, 1, 5, now), now);
    let short = Because::Short(Wait::default());
    assert_eq!(named(&mut budget, need(30, None), now), [(2, 30, short)]);
}

const SEVENTH: Seen = Seen {
    incarnation: 2,
    grant_number: 7,
};

#[test]
fn whoever_only_looks_hears_what_a_taker_would_and_takes_and_counts_nothing() {
    let mut budget = Budget::default();
    let limit = limit(1, Dimension::Requests, &[]);
    budget.reconfigure(&[Arc::clone(&limit)]);
    let now = BootTime::from_nanos(1);
    let short = Some(Take::Short(Wait::default()));
    assert_eq!(budget.would_refuse(need(1, None), now), short);
    // Nobody has asked for anything.
    assert!(!budget.is_busy());
    assert!(budget.work(false, now, || 1).is_empty());
    assert_eq!(budget.would_refuse(need(1, None), now), short);
    let granted = Answer {
        last: SEVENTH,
        ..granted(&limit, 1, 2, now)
    };
    budget.answered(limit.uid, &granted, now);
    for _ in 0..1_000 {
        assert_eq!(budget.would_refuse(need(1, None), now), None);
    }
    let looks: Vec<_> = budget.looks(need(1, None), now).collect();
    let look = &looks[0];
    assert_eq!(
        (look.needed, look.at_hand, look.seen, look.because),
        (1, 2, SEVENTH, None)
    );
    assert!(matches!(budget.take(need(1, None), now), Take::Taken(_)));
    assert_eq!(budget.available(limit.uid), 1);
}

#[test]
fn what_no_waiting_helps_against_is_named_alone() {
    let mut budget = Budget::default();
    budget.reconfigure(&[
        limit(1, Dimension::Requests, &[]),
        limit(2, Dimension::Tokens, &[]),
        limit(3, Dimension::InputTokens, &["gpt-*"]),
    ]);
    let now = BootTime::from_nanos(1);
    assert_eq!(
        named(&mut budget, need(101, None), now),
        [(3, 101, Because::ModelRequired)]
    );
    assert_eq!(
        named(&mut budget, need(101, Some("gpt-4o")), now),
        [(2, 101, Because::TooLarge), (3, 101, Because::TooLarge)]
    );
    assert_eq!(
        named(&mut budget, need(101, Some("claude")), now),
        [(2, 101, Because::TooLarge)]
    );
}

/// Nothing is granted, and it clears so many seconds after the start.
fn refused(limit: &Limit, clears: u64) -> Answer {
    let clears_at = BootTime::from_nanos(clears * 1_000_000_000);
    let wait = Wait {
        ask_at: clears_at,
        clears_at,
        ..Wait::default()
    };
    Answer {
        wait,
        largest_clears_at: clears_at,
        ..granted(limit, 1, 0, BootTime::from_nanos(1))
    }
}

fn short(budget: &mut Budget, now: BootTime) -> Wait {
    let Because::Short(wait) = budget.take(need(1, None), now).done().unwrap_err() else {
        panic!("it is refused for ever");
    };
    wait
}

#[test]
fn while_one_limit_has_not_answered_what_another_says_is_not_the_answer() {
    let mut budget = Budget::default();
    let (requests, tokens) = (
        limit(1, Dimension::Requests, &[]),
        limit(2, Dimension::Tokens, &[]),
    );
    budget.reconfigure(&[Arc::clone(&requests), Arc::clone(&tokens)]);
    let now = BootTime::from_nanos(1);
    short(&mut budget, now);
    budget.work(false, now, || 1);
    budget.answered(requests.uid, &refused(&requests, 3), now);
    assert!(short(&mut budget, now).ask_at <= now);
    budget.answered(tokens.uid, &refused(&tokens, 9), now);
    let both = short(&mut budget, now);
    assert!(now < both.ask_at);
    assert_eq!(both.clears_at, BootTime::from_nanos(9_000_000_000));
}

#[test]
fn what_a_block_leaves_is_asked_for_again_whatever_was_refused_beside_it() {
    let mut budget = Budget::default();
    let limit = limit(1, Dimension::Requests, &[]);
    budget.reconfigure(&[Arc::clone(&limit)]);
    let now = BootTime::from_nanos(1);
    budget.answered(limit.uid, &granted(&limit, 1, 1, now), now);
    // More was asked for, before what is there is used.
    budget.answered(limit.uid, &refused(&limit, 60), now);
    let over = now.after(limit.terms().validity);
    assert!(short(&mut budget, over).ask_at <= over);
    let work = budget.work(false, over, || 2);
    assert!(
        work[0].ask.is_some() && work[0].returns.len() == 1,
        "{work:?}"
    );
}
