//! Which of two answers is the later one, and what the other is worth.

use super::*;

#[test]
fn a_later_answer_that_says_more_is_believed_and_an_earlier_one_is_not() {
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), requests(3, 40_000), at(10));
    assert_eq!(leases(&mut all, A, 0, at(20)), 3);
    // Its lease was given before: who knows which answer was first.
    assert!(!all.hear("m", (word(B), at(5)), requests(100, 39_980), at(30)));
    assert_eq!(left(&all, at(30)), 0);
    assert!(all.hear("m", (word(B), at(15)), requests(100, 39_970), at(40)));
    // The three may be in that or not, and are not reported.
    assert_eq!(left(&all, at(40)), 97);
}

#[test]
fn what_is_reported_is_in_what_is_left() {
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), requests(3, 40_000), at(10));
    assert_eq!(leases(&mut all, A, 0, at(20)), 3);
    let none = |_| None;
    for _ in 0..2 {
        all.answer(PLACES, lent(20), (&one(), false), none, at(30));
    }
    // The third is on its way: of the two that are left it has one.
    assert!(all.hear("m", (word(A), at(20)), requests(2, 39_970), at(40)));
    assert_eq!(left(&all, at(40)), 1);
}

#[test]
fn windows_are_told_apart_by_their_resets() {
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), requests(5, 40_000), at(10_000));
    // An older one, of whatever is left; and one that is over.
    for (remaining, reset) in [(0, 20_000), (1, 37_000), (0, 0)] {
        let older = requests(remaining, reset);
        assert!(!all.hear("m", (word(A), at(9_000)), older, at(10_000)));
        assert_eq!(left(&all, at(10_000)), 5, "{remaining} {reset}");
    }
    // The same, rounded otherwise: the smaller counts, and the sooner reset.
    all.hear("m", (word(A), at(9_000)), requests(4, 41_000), at(10_000));
    assert_eq!(left(&all, at(10_000)), 4);
    assert!(!all.hear("m", (word(A), at(9_000)), requests(9, 41_000), at(10_000)));
    assert_eq!(left(&all, at(10_000)), 4);
    assert_eq!(leases(&mut all, A, 0, at(50_000)), 1_000);
    // A later one replaces it, whichever lease was first.
    all.hear("m", (word(A), at(0)), requests(0, 40_000), at(50_001));
    all.hear("m", (word(A), at(50_001)), requests(2, 40_000), at(50_002));
    assert!(all.hear("m", (word(A), at(50_000)), requests(7, 59_000), at(50_003)));
    assert_eq!(left(&all, at(50_003)), 7);
}

#[test]
fn an_old_answer_that_is_reported_late_is_of_no_later_window() {
    let mut all = Remainders::default();
    all.hear("m", (word(A), at(0)), requests(1, 40_000), at(1_000));
    // It was answered at once and said the same reset, half a minute ago.
    let late = requests(9, 40_000);
    assert!(!all.hear("m", (word(A), at(500)), late, at(30_000)));
    assert_eq!(left(&all, at(30_000)), 1);
}

#[test]
fn who_says_nothing_is_under_way_no_longer_than_its_lease() {
    let headers = [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "30"),
        ("x-ratelimit-reset-requests", "30s"),
    ];
    let said = said("openai", &headers, at(0));
    assert!(said.is_steady());
    let mut all = Remainders::default();
    let within = Duration::from_secs(5);
    for second in 0..120 {
        let lent = Lent {
            given: at(second * 1_000),
            within,
        };
        // Of two leases of each second one is never reported, and the provider never sees it.
        all.lease(PLACES, uses(A, 2, 0), within, lent.given);
        let now = at(second * 1_000 + 10);
        all.answer(PLACES, lent, (&one(), false), |_| None, now);
        all.hear("m", (word(A), lent.given), said, now);
        let left = left(&all, now);
        assert!((24..=30).contains(&left), "{second}: {left}");
    }
}
