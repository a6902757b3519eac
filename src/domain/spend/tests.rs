//! Tests of `spend.rs`: nothing is lost and nothing counted twice, however varied it is, and memory stays bounded.

use proptest::prelude::*;

use super::*;

const TODAY: Day = Day(20_000);

fn key(caller: &str, model: &str, tag: Option<&str>) -> SpendKey {
    let pairs = tag.map(|value| ("team".to_owned(), value.to_owned()));
    SpendKey {
        day: TODAY,
        pool: "pools/p".into(),
        account: "accounts/a".into(),
        model: model.into(),
        caller: caller.into(),
        tags: Tags::parse("tags", pairs).unwrap(),
    }
}

fn cost(cost_micros: u64) -> Sums {
    Sums {
        cost_micros,
        requests: 1,
        ..Sums::default()
    }
}

fn total(taken: &[(SpendKey, Sums)]) -> Sums {
    let sums = taken.iter().map(|(_, sums)| *sums);
    sums.fold(Sums::default(), Sums::plus)
}

#[test]
fn days_are_those_of_utc_and_begin_at_midnight() {
    let of = |micros| Day::of(Timestamp::from_micros(micros)).number();
    assert_eq!(
        [of(0), of(MICROS_OF_DAY - 1), of(MICROS_OF_DAY), of(-1)],
        [0, 0, 1, -1]
    );
    let beginning = |micros| Day::beginning(Timestamp::from_micros(micros));
    assert_eq!(beginning(MICROS_OF_DAY), Some(Day(1)));
    assert_eq!(beginning(MICROS_OF_DAY + 1), None);
}

#[test]
fn what_was_taken_is_not_taken_again_and_counts_on() {
    let mut book = SpendBook::default();
    book.add(key("c", "m", None), cost(3));
    book.add(key("c", "m", None), cost(4));
    let taken = book.take(10, TODAY);
    assert_eq!(
        taken,
        [(
            key("c", "m", None),
            Sums {
                requests: 2,
                ..cost(7)
            }
        )]
    );
    assert_eq!(book.take(10, TODAY), []);
    book.add(key("c", "m", None), cost(1));
    assert_eq!(book.take(10, TODAY).len(), 1);
}

#[test]
fn a_caller_that_makes_up_models_and_tags_is_summed_up_as_other_and_takes_no_room() {
    let mut book = SpendBook::default();
    for i in 0..3 * SUMS_OF_CALLER_MAX {
        book.add(key("made-up", &format!("m{i}"), Some("x")), cost(1));
        // Taking in between must not make room for more in the same day.
        if i % 1_000 == 0 {
            book.take(usize::MAX, TODAY);
        }
    }
    book.add(key("other", "m", Some("y")), cost(1));
    assert!(book.sums.len() <= SUMS_OF_CALLER_MAX + 2);
    assert!(book.sums.contains_key(&key("other", "m", Some("y"))));
    assert!(book.sums.contains_key(&key("made-up", OTHER, None)));
}

#[test]
fn memory_is_bounded_and_no_cost_is_lost_whatever_comes() {
    let mut book = SpendBook::default();
    let all = 2 * (SUMS_MAX + COARSE_MAX);
    for i in 0..all {
        book.add(key(&format!("c{i}"), "m", None), cost(1));
    }
    assert!(book.sums.len() <= SUMS_MAX + COARSE_MAX + 1);
    let taken = book.take(usize::MAX, TODAY);
    assert_eq!(total(&taken).cost_micros, all as u64);
    let rest = taken.iter().filter(|(key, _)| &*key.pool == OTHER);
    assert_eq!(rest.count(), 1);
    book.take(0, Day(TODAY.0 + 1));
    assert!(
        book.sums.is_empty() && book.of_callers.is_empty(),
        "a new day, new room"
    );
}

#[test]
fn sums_that_do_not_fit_stay_at_the_largest_number() {
    let mut book = SpendBook::default();
    book.add(key("c", "m", None), cost(u64::MAX));
    book.add(key("c", "m", None), cost(5));
    assert_eq!(total(&book.take(1, TODAY)).cost_micros, u64::MAX);
}

proptest! {
    #[test]
    fn batches_of_any_size_add_up_to_all_that_was_added(
        uses in proptest::collection::vec((0..4_u8, 0..4_u8, 0..2_i32, 0..1_000_u64, any::<bool>()), 0..60),
        sums_max in 1..5_usize,
    ) {
        let mut book = SpendBook::default();
        let mut added = Sums::default();
        let mut taken = Vec::new();
        for (caller, model, day, micros, is_flushed) in uses {
            let key = SpendKey { day: Day(TODAY.0 + day), ..key(&format!("c{caller}"), &format!("m{model}"), None) };
            book.add(key, cost(micros));
            added = added.plus(cost(micros));
            if is_flushed {
                taken.extend(book.take(sums_max, Day(TODAY.0 + 1)));
            }
        }
        loop {
            let more = book.take(sums_max, Day(TODAY.0 + 1));
            prop_assert!(more.len() <= sums_max);
            if more.is_empty() { break }
            taken.extend(more);
        }
        prop_assert_eq!(total(&taken), added);
        prop_assert!(book.sums.keys().all(|key| key.day.0 > TODAY.0));
    }
}
