//! Tests of `waiting.rs`.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::ledger::budget::Take;
use crate::domain::ledger::example::{granted, limit};
use crate::domain::ledger::grant::Urgency;
use crate::domain::ledger::work::{Answer, Wait};
use crate::domain::limit::{Dimension, Limit};
use crate::domain::models::Pattern;
use crate::domain::pool::Estimate;
use crate::domain::time::BootTime;

const NOW: BootTime = BootTime::from_nanos(1_000_000_000);
const DAY: Duration = Duration::from_hours(24);

fn need(input_tokens: u64, model: &str, ticket: Option<Ticket>) -> Need<'_> {
    Need {
        model: Some(model),
        uses: 1,
        estimate: Estimate {
            input_tokens,
            output_tokens: 0,
            cost_micros: None,
        },
        is_new: ticket.is_none(),
        ticket,
        is_patient: true,
        until: NOW.after(Duration::from_secs(20)),
        lease_duration: Duration::from_mins(10),
        slot: None,
    }
}

fn refused(limit: &Limit, clears: Duration) -> Answer {
    Answer {
        wait: Wait {
            ask_at: NOW.after(Duration::from_millis(750)),
            clears_at: NOW.after(clears),
            ..Wait::default()
        },
        ..granted(limit, 1, 0, NOW)
    }
}

/// What is asked of the limit of this number.
fn asked(budget: &mut Budget, number: u128) -> Option<(u64, bool)> {
    let works = budget.work(false, NOW, || 7);
    let mut works = works.into_iter().filter(|w| w.limit.as_u128() == number);
    let ask = works.next()?.ask?.ask;
    Some((ask.need, ask.urgency == Urgency::Awaited))
}

#[test]
fn a_need_that_cannot_be_met_in_time_keeps_no_small_one_waiting() {
    let limit = limit(1, Dimension::InputTokens, 1_000_000, DAY);
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(limit.clone())]);
    let large = need(1_000_000, "m", Some(1));
    assert!(matches!(budget.take(large, NOW), Take::Short(_)));
    assert_eq!(asked(&mut budget, 1), Some((1_000_000, true)));
    budget.answered(limit.uid, &refused(&limit, DAY), NOW);
    assert!(matches!(budget.take(large, NOW), Take::Short(_)));
    let small = need(10, "m", None);
    assert!(matches!(budget.take(small, NOW), Take::Short(_)));
    // It is asked for alone, although it came later.
    assert_eq!(asked(&mut budget, 1), Some((10, true)));
    budget.answered(limit.uid, &granted(&limit, 2, 500, NOW), NOW);
    assert!(matches!(budget.take(large, NOW), Take::Short(_)));
    assert!(matches!(budget.take(small, NOW), Take::Taken(_)));
}

#[test]
fn a_need_that_can_be_met_in_time_is_not_overtaken() {
    let limit = limit(1, Dimension::InputTokens, 1_000_000, DAY);
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(limit.clone())]);
    let (large, small) = (need(1_000_000, "m", Some(1)), need(10, "m", None));
    assert!(matches!(budget.take(large, NOW), Take::Short(_)));
    assert_eq!(asked(&mut budget, 1), Some((1_000_000, true)));
    let clears = Duration::from_secs(9);
    budget.answered(limit.uid, &refused(&limit, clears), NOW);
    assert!(matches!(budget.take(large, NOW), Take::Short(_)));
    let Take::Short(wait) = budget.take(small, NOW) else {
        panic!("it overtakes");
    };
    // What it is told is when the one ahead of it can be met.
    assert_eq!(wait.retry_at(NOW), NOW.after(clears));
    budget.answered(limit.uid, &granted(&limit, 2, 500, NOW), NOW);
    assert!(matches!(budget.take(small, NOW), Take::Short(_)));
    budget.leave(1);
    assert!(matches!(budget.take(small, NOW), Take::Taken(_)));
}

#[test]
fn a_call_holds_up_nobody_in_a_limit_that_has_enough_for_it() {
    let requests = limit(1, Dimension::Requests, 60, Duration::from_mins(1));
    let of_model = Limit {
        models: vec![Pattern::parse("models", "m1").unwrap()],
        ..limit(2, Dimension::InputTokens, 100, DAY)
    };
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(requests.clone()), Arc::new(of_model.clone())]);
    let first = need(10, "m1", Some(1));
    assert!(matches!(budget.take(first, NOW), Take::Short(_)));
    assert_eq!(budget.first_in_lines().count(), 2);
    budget.answered(requests.uid, &granted(&requests, 1, 30, NOW), NOW);
    budget.answered(
        of_model.uid,
        &refused(&of_model, Duration::from_secs(9)),
        NOW,
    );
    let other = need(10, "m2", None);
    assert!(matches!(budget.take(other, NOW), Take::Short(_)));
    assert!(matches!(budget.take(first, NOW), Take::Short(_)));
    assert!(matches!(budget.take(other, NOW), Take::Taken(_)));
}

#[test]
fn the_database_is_asked_for_what_the_first_in_line_needs_whoever_missed_first() {
    let limit = limit(1, Dimension::InputTokens, 30_000, Duration::from_mins(1));
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(limit.clone())]);
    let (large, small) = (need(8_000, "m", Some(1)), need(10, "m", None));
    assert!(matches!(budget.take(large, NOW), Take::Short(_)));
    assert_eq!(asked(&mut budget, 1), Some((8_000, true)));
    let no = refused(&limit, Duration::from_secs(9));
    budget.answered(limit.uid, &no, NOW);
    let later = NOW.after(Duration::from_secs(1));
    assert!(matches!(budget.take(small, later), Take::Short(_)));
    assert!(matches!(budget.take(large, later), Take::Short(_)));
    let ask = budget.work(false, later, || 8)[0].ask.unwrap().ask;
    assert_eq!((ask.need, ask.urgency), (8_000, Urgency::Awaited));
    assert!(ask.want >= 8_010);
}

#[test]
fn who_was_refused_has_gone_and_only_tells_what_is_to_come() {
    let limit = limit(1, Dimension::InputTokens, 30_000, Duration::from_mins(1));
    for (ticket, urgency) in [(None, Urgency::Gone), (Some(1), Urgency::Lacking)] {
        let mut budget = Budget::default();
        budget.reconfigure(&[Arc::new(limit.clone())]);
        let need = Need {
            is_patient: false,
            ..need(8_000, "m", ticket)
        };
        assert!(matches!(budget.take(need, NOW), Take::Short(_)));
        let ask = budget.work(false, NOW, || 7)[0].ask.unwrap().ask;
        assert_eq!((ask.need, ask.urgency), (8_000, urgency));
    }
}

#[test]
fn what_is_kept_for_another_is_no_answer_to_a_call_that_comes() {
    let limit = limit(1, Dimension::InputTokens, 30_000, Duration::from_mins(1));
    for is_kept in [true, false] {
        let mut budget = Budget::default();
        budget.reconfigure(&[Arc::new(limit.clone())]);
        let gone = need(8_000, "m", None);
        assert!(matches!(budget.take(gone, NOW), Take::Short(_)));
        assert!(asked(&mut budget, 1).is_some());
        let no = Answer {
            is_kept,
            ..refused(&limit, Duration::from_secs(1))
        };
        budget.answered(limit.uid, &no, NOW);
        let here = need(8_000, "m", Some(1));
        assert!(matches!(budget.take(here, NOW), Take::Short(_)));
        assert_eq!(asked(&mut budget, 1).is_some(), is_kept);
    }
}

/// What a need of so many tokens is told when it is refused at `now`.
fn told(budget: &mut Budget, tokens: u64, now: BootTime) -> Wait {
    let take = budget.take(need(tokens, "m", None), now);
    let Take::Short(wait) = take else {
        panic!("{take:?}");
    };
    wait
}

#[test]
fn a_larger_need_than_was_refused_is_not_told_what_the_smaller_was() {
    let limit = limit(1, Dimension::InputTokens, 1_000, Duration::from_mins(1));
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(limit.clone())]);
    told(&mut budget, 10, NOW);
    assert_eq!(asked(&mut budget, 1), Some((10, false)));
    let no = |clears: u64| refused(&limit, Duration::from_secs(clears));
    budget.answered(limit.uid, &no(2), NOW);
    let clears = |seconds: u64| NOW.after(Duration::from_secs(seconds));
    let wait = told(&mut budget, 10, NOW);
    assert_eq!((wait.retry_at(NOW), wait.ask_at > NOW), (clears(2), true));
    // Nobody knows when that is free: it counts as not answered yet, and is asked about beside what the first of them needs.
    assert!(told(&mut budget, 900, NOW).ask_at <= NOW);
    let ask = budget.work(false, NOW, || 8)[0].ask.unwrap().ask;
    assert_eq!((ask.need, ask.largest), (10, 900));
    let both = Answer {
        largest_clears_at: clears(50),
        ..no(2)
    };
    budget.answered(limit.uid, &both, NOW);
    for (tokens, seconds) in [(10, 2), (900, 50), (500, 50)] {
        let wait = told(&mut budget, tokens, NOW);
        let known = (wait.retry_at(NOW), wait.ask_at > NOW);
        assert_eq!(known, (clears(seconds), true), "{tokens}");
    }
    assert!(told(&mut budget, 5, NOW).ask_at <= NOW);
    assert!(told(&mut budget, 901, NOW).ask_at <= NOW);
}

#[test]
fn what_is_at_hand_is_kept_for_who_goes_first_at_something_else_and_waits_for_that_no_longer() {
    let limit = limit(1, Dimension::Requests, 60, Duration::from_mins(1));
    let mut budget = Budget::default();
    budget.reconfigure(&[Arc::new(limit.clone())]);
    let other = need(0, "m", None);
    assert!(matches!(budget.take(other, NOW), Take::Short(_)));
    assert!(asked(&mut budget, 1).is_some());
    budget.answered(limit.uid, &granted(&limit, 1, 1, NOW), NOW);
    let (soon, late) = (Duration::from_millis(500), Duration::from_mins(1));
    let first = need(0, "m", Some(1));
    for (is_first, clears, is_kept) in [
        (true, soon, true),
        (true, late, false),
        (false, soon, false),
        (true, soon, true),
    ] {
        budget.wait_elsewhere(first, (is_first, NOW.after(clears)), NOW);
        assert_eq!(budget.would_refuse(other, NOW).is_some(), is_kept);
    }
    assert!(matches!(budget.take(first, NOW), Take::Taken(_)));
}
