//! Calls that wait for what a provider says is left: in order of arrival, woken one by one, and none of them looks in vain.

use std::time::Duration;

use tokio::sync::Notify;

use super::world::World;
use super::*;
use crate::domain::classify::{Statement, built_in, stated};
use crate::domain::cooling::Weight;
use crate::domain::ledger::budget::{Need, Take};
use crate::domain::remaining::{Lent, Word};
use crate::domain::time::BootTime;
use crate::live::version::Applicant;

const CALLER: Uuid = Uuid::from_u128(1);

/// So many requests are left, until they are all back in so many seconds.
pub(super) fn requests(remaining: u64, reset: u64) -> Statement {
    let (remaining, reset) = (remaining.to_string(), format!("{reset}s"));
    let headers = [
        ("x-ratelimit-remaining-requests", remaining),
        ("x-ratelimit-reset-requests", reset),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.into_bytes()));
    stated(&headers, built_in().unwrap().named("openai"), at(0))[0]
}

/// An account without limits, and calls that wait for it.
struct Queue {
    world: World,
    wakes: BTreeMap<Ticket, Arc<Notify>>,
}

impl Queue {
    /// Of this model so many requests are left for 40 s, as an answer at 0 says.
    fn of(model: &str, remaining: u64) -> Self {
        let queue = Self {
            world: World::new(Vec::new()),
            wakes: BTreeMap::new(),
        };
        queue.hear(model, requests(remaining, 40), 0);
        queue
    }

    fn hear(&self, place: &str, said: Statement, now: i64) {
        let word = Word {
            caller: CALLER,
            weight: Some(Weight::Proven),
            model: "m".to_owned(),
        };
        let heard = (word, at(now));
        self.world.live.hear_left(place, heard, said, at(now));
    }

    fn take(&self, need: Need<'_>, now: i64) -> Result<Take, Rest> {
        let asking = Asking {
            applicant: Applicant {
                caller: CALLER,
                patience: Duration::ZERO,
            },
            is_try: false,
            now: at(now),
        };
        let boot = BootTime::default().after(Duration::from_secs(now.unsigned_abs()));
        self.world.live.take(need, asking, boot, |_| {})
    }

    fn tries(&self, model: &'static str, ticket: Option<Ticket>, now: i64) -> Result<(), Rest> {
        let take = self.take(self.world.need(model, ticket), now)?;
        assert!(matches!(take, Take::Taken(_)), "{take:?}");
        Ok(())
    }

    /// A call stands in line, behind others or not.
    fn stands(&mut self, model: &'static str, ticket: Ticket, is_behind: bool, now: i64) {
        let wake = self.wakes.entry(ticket).or_default();
        self.world.live.join(ticket, Arc::clone(wake), true);
        let rest = self.tries(model, Some(ticket), now).unwrap_err();
        assert_eq!(rest.is_behind, is_behind, "{ticket}");
    }

    /// Who is woken since this was last asked.
    fn woken(&self) -> Vec<Ticket> {
        let is_woken = |wake: &Notify| std::pin::pin!(wake.notified()).as_mut().enable();
        let woken = self.wakes.iter().filter(|(_, wake)| is_woken(wake));
        woken.map(|(ticket, _)| *ticket).collect()
    }
}

#[test]
fn who_waits_for_a_reset_is_served_in_order_of_arrival_and_woken_one_by_one() {
    let mut queue = Queue::of("m", 1);
    queue.tries("m", None, 1).unwrap();
    let rest = queue.tries("m", None, 2).unwrap_err();
    assert_eq!((rest.cause.until, rest.is_behind), (at(40), false));
    // Whoever has the smaller ticket came first, wherever it stood before.
    queue.stands("m", 2, false, 3);
    queue.stands("m", 1, false, 3);
    queue.stands("m", 2, true, 4);
    queue.stands("m", 3, true, 4);
    assert!(queue.woken().is_empty());
    // The reset has come, and nobody passes by.
    for ticket in [None, Some(2), Some(3)] {
        let rest = queue.tries("m", ticket, 40).unwrap_err();
        assert!(rest.cause.until <= at(41), "{rest:?}");
    }
    for ticket in 1..=3 {
        queue.tries("m", Some(ticket), 40).unwrap();
        let next = if ticket < 3 { vec![ticket + 1] } else { vec![] };
        assert_eq!(queue.woken(), next);
        queue.world.live.leave(ticket);
    }
    queue.tries("m", None, 40).unwrap();
}

#[test]
fn an_answer_that_says_more_wakes_who_goes_first() {
    let mut queue = Queue::of("m", 0);
    for ticket in 1..=3 {
        queue.stands("m", ticket, ticket > 1, 1);
    }
    queue.hear("m", requests(2, 39), 2);
    assert_eq!(queue.woken(), [1]);
    queue.tries("m", Some(1), 2).unwrap();
    assert_eq!(queue.woken(), [2]);
    queue.tries("m", Some(2), 2).unwrap();
    assert_eq!(queue.woken(), [3]);
    let rest = queue.tries("m", Some(3), 2).unwrap_err();
    assert_eq!((rest.cause.until, rest.is_behind), (at(41), false));
}

#[test]
fn who_goes_away_lets_the_next_go_first() {
    let mut queue = Queue::of("m", 0);
    for ticket in 1..=3 {
        queue.stands("m", ticket, ticket > 1, 1);
    }
    queue.world.live.leave(2);
    assert!(queue.woken().is_empty());
    queue.world.live.step_aside(1);
    assert_eq!(queue.woken(), [3]);
    queue.stands("m", 3, false, 2);
    // It comes back to where it was.
    queue.stands("m", 1, false, 3);
    queue.stands("m", 3, true, 3);
}

#[test]
fn who_waits_for_one_model_holds_up_no_other() {
    let mut queue = Queue::of("m", 0);
    queue.stands("m", 1, false, 1);
    queue.tries("n", None, 1).unwrap();
    // What is left of the whole account is needed by both.
    queue.hear("", requests(0, 60), 2);
    queue.stands("n", 2, false, 2);
    queue.stands("m", 1, false, 2);
    queue.stands("n", 2, true, 2);
}

#[test]
fn a_person_who_clears_it_wakes_everybody() {
    let mut queue = Queue::of("m", 0);
    queue.stands("m", 1, false, 1);
    queue.stands("m", 2, true, 1);
    queue.world.live.cleared(&[], at(2));
    assert_eq!(queue.woken(), [1, 2]);
    queue.tries("m", Some(2), 2).unwrap();
}

#[test]
fn a_use_that_was_not_sent_is_for_whoever_goes_first() {
    let mut queue = Queue::of("m", 1);
    queue.tries("m", None, 1).unwrap();
    queue.stands("m", 1, false, 2);
    queue.stands("m", 2, true, 2);
    let parts = [crate::domain::ledger::settle::Part::not_sent(1)];
    let live = &queue.world.live;
    let lent = Lent {
        given: at(1),
        within: Duration::from_mins(10),
    };
    live.answered("m", lent, (&parts, false), |_| None, at(3));
    assert_eq!(queue.woken(), [1]);
    queue.tries("m", None, 3).unwrap_err();
    queue.tries("m", Some(1), 3).unwrap();
}

/// Nothing more comes before the reset, so leaving it lie would help nobody.
#[test]
fn who_needs_more_than_is_left_keeps_nobody_from_what_is() {
    let mut queue = Queue::of("n", 1);
    let headers = [
        ("x-ratelimit-limit-tokens", "4000"),
        ("x-ratelimit-remaining-tokens", "300"),
        ("x-ratelimit-reset-tokens", "20s"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let said = stated(&headers, built_in().unwrap().named("openai"), at(0))[0];
    assert!(!said.is_steady());
    queue.hear("m", said, 0);
    let need = |queue: &Queue, tokens, ticket| {
        let mut need = queue.world.need("m", ticket);
        need.estimate.input_tokens = tokens;
        need
    };
    queue
        .world
        .live
        .join(1, Arc::clone(queue.wakes.entry(1).or_default()), true);
    let rest = queue.take(need(&queue, 3_900, Some(1)), 1).unwrap_err();
    assert_eq!((rest.cause.until, rest.is_behind), (at(20), false));
    let small = queue.take(need(&queue, 10, None), 2).unwrap();
    assert!(matches!(small, Take::Taken(_)), "{small:?}");
}
