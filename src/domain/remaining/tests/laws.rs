//! What holds of any leases, answers and reports: a provider that counts what arrives, and a replica that hears of it later.

use proptest::prelude::*;

use super::*;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Lease,
    Arrive,
    Report,
}

/// A provider of one window without an end, and leases on their way to it and back.
#[derive(Debug, Default)]
struct World {
    all: Remainders,
    now: i64,
    left: u64,
    /// When those were given that have not arrived.
    sent: Vec<i64>,
    /// When those were given that are answered, and with what is left.
    answered: Vec<(i64, u64)>,
    given: u64,
    /// Under way when something was first heard.
    under_way: Option<u64>,
}

impl World {
    fn step(&mut self, step: Step) {
        self.now += 1;
        match step {
            Step::Lease => {
                let now = at(self.now);
                if self.all.offer(PLACES, uses(A, 1, 0), now).is_ok() {
                    self.all.lease(PLACES, uses(A, 1, 0), LASTS, now);
                    self.sent.push(self.now);
                    self.given += 1;
                }
            }
            Step::Arrive if !self.sent.is_empty() => {
                let given = self.sent.remove(0);
                self.left = self.left.saturating_sub(1);
                self.answered.push((given, self.left));
            }
            Step::Report if !self.answered.is_empty() => {
                let (given, left) = self.answered.remove(0);
                let now = at(self.now);
                self.all
                    .answer(PLACES, lent(given), (&one(), false), |_| None, now);
                let statement = requests(left, 40_000_000);
                self.all.hear("m", (word(A), at(given)), statement, now);
                let under_way = self.sent.len() + self.answered.len();
                self.under_way.get_or_insert(under_way as u64);
            }
            Step::Arrive | Step::Report => {}
        }
    }

    fn drain(&mut self) {
        while !self.sent.is_empty() {
            self.step(Step::Arrive);
        }
        while !self.answered.is_empty() {
            self.step(Step::Report);
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Lease),
        2 => Just(Step::Arrive),
        2 => Just(Step::Report),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Beyond what there was go only those that were under way when the first was heard; and where nothing is under way, one more answer
    /// says exactly what is left.
    #[test]
    fn no_more_is_leased_than_is_left_but_what_was_on_its_way(steps in steps(), budget in 0..40_u64) {
        let mut world = World { left: budget, ..World::default() };
        steps.into_iter().for_each(|step| world.step(step));
        let Some(under_way) = world.under_way else { return Ok(()) };
        // The first one said what was left after it.
        prop_assert!(world.given <= budget.max(1) + under_way, "{world:?}");
        world.drain();
        if left(&world.all, at(world.now)) > 0 {
            world.step(Step::Lease);
            world.drain();
            prop_assert_eq!(left(&world.all, at(world.now)), world.left);
        } else {
            prop_assert_eq!(world.left, 0);
        }
    }

    /// In whichever order answers of one window are heard to leases that were given before: the smallest remainder counts.
    #[test]
    fn of_one_window_the_smallest_remainder_counts(
        said in prop::collection::vec((1..500_u64, 39_000..41_000_u64), 1..20),
    ) {
        let mut all = Remainders::default();
        for (remaining, reset) in &said {
            all.hear("m", (word(A), at(-1)), requests(*remaining, *reset), at(0));
        }
        let least = said.iter().map(|(remaining, _)| *remaining).min().unwrap();
        prop_assert_eq!(left(&all, at(0)), least);
    }

    /// Whatever is said, it gives nobody more than was asked for, and is over at the last reset that was said.
    #[test]
    fn it_only_refuses_and_not_for_longer_than_was_said(
        said in prop::collection::vec((0..10_i64, 0..1_000_u64, 0..40_000_u64), 1..20),
        asked in 1..1_000_u64,
    ) {
        let mut all = Remainders::default();
        let mut end = 0;
        for (now, (given, remaining, reset)) in (10..).zip(said) {
            all.hear("m", (word(A), at(given + now - 10)), requests(remaining, reset), at(now));
            end = end.max(now + reset as i64);
            match all.offer(PLACES, uses(A, asked, 0), at(now)) {
                Ok(offered) => prop_assert!((1..=asked).contains(&offered)),
                Err(short) => prop_assert!(at(now).after(short.spent.wait) <= at(end)),
            }
        }
        prop_assert_eq!(all.offer(PLACES, uses(A, asked, 0), at(end)).unwrap(), asked);
    }
}
