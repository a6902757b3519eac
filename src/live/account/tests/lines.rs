//! Who is served first where calls wait for several limits, and what becomes of those that cannot be served any more.

use std::time::Duration;

use super::world::{Supply, World};
use super::*;
use crate::domain::ledger::budget::Take;
use crate::domain::ledger::example::granted;
use crate::domain::models::Pattern;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Two limits that share only the model `x`, of which one permit comes at a time, in turns.
fn in_turns() -> World {
    World::new(vec![
        Supply::new(1, &["x", "y"], seconds(5), seconds(10)),
        Supply::new(2, &["x", "z"], seconds(10), seconds(10)),
    ])
}

#[test]
fn a_call_that_needs_permits_of_two_limits_is_not_starved_by_those_that_need_one() {
    let mut world = in_turns();
    let first = world.call("x");
    for _ in 0..20 {
        world.call("y");
        world.call("z");
    }
    world.run(seconds(26));
    assert!(world.is_served(first), "{:?}", world.served);
    // What it waited for elsewhere kept few permits idle.
    world.run(seconds(80));
    let others = world.served.len() - 1;
    assert!(others >= 17, "{:?}", world.served);
}

#[test]
fn calls_that_need_the_same_limits_are_served_in_order_of_arrival() {
    let mut world = in_turns();
    let all: Vec<_> = ["x", "y", "x", "z", "x", "y", "z", "x"]
        .map(|model| (model, world.call(model)))
        .into();
    world.run(seconds(120));
    let served = |wanted: &str| {
        let of = |ticket: &Ticket| all.iter().any(|(m, t)| t == ticket && *m == wanted);
        let tickets = world.served.iter().map(|(ticket, _)| *ticket);
        tickets.filter(of).collect::<Vec<_>>()
    };
    assert_eq!(world.served.len(), all.len(), "{:?}", world.served);
    for model in ["x", "y", "z"] {
        assert!(served(model).is_sorted(), "{model}: {:?}", world.served);
    }
}

#[test]
fn a_permit_is_kept_for_a_call_whose_other_limit_has_only_not_answered_yet() {
    let mut world = in_turns();
    let first = world.call("x");
    let (now, need) = (world.now, world.need("x", Some(first)));
    let tries = |world: &World| world.take(need, now);
    let answer = |world: &World, supply: usize, block: u64| {
        let limit = world.supplies[supply].limit();
        let one = granted(limit, block, 1, now);
        world
            .live
            .with_budget(|budget| budget.answered(limit.uid, &one, now));
    };
    assert!(matches!(tries(&world), Take::Short(_)));
    answer(&world, 0, 1);
    assert!(matches!(tries(&world), Take::Short(_)));
    assert!(!world.serves("y"));
    // A second one is for whoever comes.
    answer(&world, 0, 2);
    assert!(matches!(tries(&world), Take::Short(_)));
    assert!(world.serves("y"));
    assert!(!world.serves("y"));
    answer(&world, 1, 3);
    assert!(matches!(tries(&world), Take::Taken(_)));
}

#[test]
fn a_call_waits_in_no_line_of_a_limit_that_counts_for_it_no_more() {
    let mut world = World::new(vec![
        Supply::new(1, &["x", "y"], seconds(20), seconds(50)),
        Supply::new(2, &["x"], seconds(50), seconds(50)),
    ]);
    let first = world.call("x");
    world.run(seconds(1));
    let limit = Limit {
        rev: 2,
        models: vec![Pattern::parse("models", "y").unwrap()],
        ..world.supplies[0].limit().clone()
    };
    let other = world.supplies[1].limit().clone();
    world.live.reconfigure(&[Arc::new(limit), Arc::new(other)]);
    let second = world.call("y");
    world.run(seconds(21));
    assert!(world.is_served(second) && !world.is_served(first));
}

#[test]
fn who_cannot_be_served_here_any_more_holds_up_nobody() {
    let mut world = World::new(vec![Supply::new(1, &[], seconds(10), seconds(10))]);
    let first = world.call("x");
    world.run(seconds(1));
    let second = world.call("y");
    world.run(seconds(1));
    assert!(!world.is_woken(second));
    // Its model cools down, so its own try passes the account over.
    world.live.step_aside(first);
    world.forget(first);
    assert!(world.is_woken(second));
    world.supplies[0].free = 1;
    world.run(seconds(2));
    assert!(world.is_served(second) && !world.is_served(first));
    // It comes back to where it was.
    let third = world.call("y");
    world.live.join(first, Arc::default(), true);
    let need = world.need("x", Some(first));
    assert!(matches!(world.take(need, world.now), Take::Short(_)));
    world.supplies[0].free = 1;
    world.run(seconds(2));
    assert!(!world.is_served(third));
}

#[test]
fn everybody_tries_again_when_limits_change() {
    let mut world = World::new(vec![
        Supply::new(1, &[], seconds(50), seconds(50)),
        Supply::new(2, &[], seconds(50), seconds(50)),
    ]);
    let calls: Vec<_> = (0..5).map(|_| world.call("x")).collect();
    world.run(seconds(2));
    let left = Arc::new(world.supplies[1].limit().clone());
    for call in &calls {
        world.is_woken(*call);
    }
    world.live.reconfigure(&[Arc::clone(&left)]);
    assert!(calls.iter().all(|call| world.is_woken(*call)));
    // But not when all is as it was.
    world.live.reconfigure(&[left]);
    assert!(!calls.iter().any(|call| world.is_woken(*call)));
    world.live.reconfigure(&[]);
    world.run(Duration::from_millis(100));
    assert_eq!(world.served.len(), 5);
}
