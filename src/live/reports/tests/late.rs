//! Parts that are heard of when their lease is done.

use super::*;

#[test]
fn a_part_that_is_heard_of_after_the_last_report_counts_once_as_far_as_uses_are_left() {
    let reports = Reports::default();
    let last = Claimed {
        is_final: true,
        ..report(1, 0, 2, 10)
    };
    assert!(matches!(reports.enter(&last, NOW), Entry::New(Some(_))));
    for (sequence, uses, counts) in [
        (0, 1, false),
        (1, 9, false),
        (1, 5, true),
        (1, 1, false),
        (2, 0, false),
        (3, 3, true),
        (4, 1, false),
    ] {
        let part = report(1, sequence, uses, 10);
        assert_eq!(reports.enter_late(&part), counts, "{sequence}, {uses}");
    }
    assert_eq!(reports.enter(&report(1, 3, 3, 10), NOW), Entry::Duplicate);
    assert!(
        !reports.enter_late(&report(2, 1, 1, 1)),
        "nothing of it was reported"
    );
}
