//! Tests of `reports.rs`.

use uuid::Uuid;

use super::*;

mod late;
mod laws;

fn report(serial: u64, sequence: u32, uses: u32, granted: u32) -> Claimed {
    Claimed {
        caller: Uuid::from_u128(1),
        serial,
        sequence,
        uses,
        granted,
        is_final: false,
        ending: SURE,
        lasts: LASTS,
        renewed: None,
    }
}

const SURE: Ending = Ending {
    is_sure: true,
    started_by: BootTime::from_nanos(5),
};
const DONE: Entry = Entry::New(Some(SURE));
const NOW: BootTime = BootTime::from_nanos(1_000);
const LASTS: Duration = Duration::from_secs(1);
/// What is known of a lease that was first reported now is dropped by then: when it was given is known to a minute.
const DROPPED: Duration = Duration::from_secs(61).saturating_add(GRACE);

#[test]
fn a_lease_of_one_use_is_reported_once() {
    let reports = Reports::default();
    assert_eq!(reports.enter(&report(7, 0, 1, 1), NOW), DONE);
    assert_eq!(reports.enter(&report(7, 0, 1, 1), NOW), Entry::Duplicate);
    assert_eq!(reports.enter(&report(7, 1, 1, 1), NOW), Entry::Exhausted);
    assert_eq!(reports.enter(&report(8, 0, 1, 1), NOW), DONE);
}

#[test]
fn a_batch_is_reported_in_parts_that_add_up() {
    let reports = Reports::default();
    assert_eq!(reports.enter(&report(1, 0, 4, 10), NOW), Entry::New(None));
    assert_eq!(reports.enter(&report(1, 0, 4, 10), NOW), Entry::Duplicate);
    assert_eq!(reports.enter(&report(1, 1, 7, 10), NOW), Entry::TooMany(6));
    assert_eq!(reports.enter(&report(1, 1, 6, 10), NOW), DONE);
    assert!(reports.state.lock().partial.is_empty());
}

#[test]
fn a_number_that_is_new_finds_no_use_left_and_one_that_is_known_is_a_repetition() {
    let reports = Reports::default();
    reports.enter(&report(1, 3, 4, 10), NOW);
    reports.enter(&report(1, 5, 6, 10), NOW);
    reports.enter(&report(2, 9, 1, 1), NOW);
    for (serial, sequence, entry) in [
        (1, 3, Entry::Duplicate),
        (1, 5, Entry::Duplicate),
        (1, 0, Entry::Exhausted),
        (1, 4, Entry::Exhausted),
        (2, 9, Entry::Duplicate),
        (2, 0, Entry::Exhausted),
    ] {
        assert_eq!(reports.enter(&report(serial, sequence, 1, 10), NOW), entry);
    }
}

#[test]
fn numbers_that_find_no_room_are_taken_for_repetitions_and_others_are_forgotten_with_their_leases()
{
    let reports = Reports::default();
    for serial in 0..=NUMBERED_MAX as u64 {
        reports.enter(&report(serial, 1, 1, 1), NOW);
    }
    let last = NUMBERED_MAX as u64;
    assert_eq!(reports.enter(&report(last, 1, 1, 1), NOW), Entry::Duplicate);
    assert_eq!(reports.enter(&report(last, 2, 1, 1), NOW), Entry::Duplicate);
    assert_eq!(reports.enter(&report(0, 2, 1, 1), NOW), Entry::Exhausted);
    let late = NOW.after(DROPPED);
    reports.enter(&report(20 * CHUNK_LEASES, 0, 1, 1), late);
    assert!(reports.state.lock().finished.is_empty());
}

#[test]
fn a_lease_is_sure_only_if_every_use_and_every_part_is() {
    let reports = Reports::default();
    let unsure = Claimed {
        ending: Ending {
            is_sure: false,
            ..SURE
        },
        ..report(1, 0, 4, 10)
    };
    reports.enter(&unsure, NOW);
    let is_sure = |entry: Entry| matches!(entry, Entry::New(Some(ending)) if ending.is_sure);
    assert!(!is_sure(reports.enter(&report(1, 1, 6, 10), NOW)));
    let short = Claimed {
        is_final: true,
        ..report(2, 0, 9, 10)
    };
    assert!(!is_sure(reports.enter(&short, NOW)));
}

#[test]
fn one_caller_that_reports_in_parts_leaves_room_to_others_until_its_leases_are_done() {
    let reports = Reports::default();
    for serial in 0..parts::PARTIAL_OF_CALLER_MAX as u64 {
        let part = report(serial, 0, 1, 2);
        assert_eq!(reports.enter(&part, NOW), Entry::New(None));
    }
    let more = parts::PARTIAL_OF_CALLER_MAX as u64;
    assert_eq!(reports.enter(&report(more, 0, 1, 2), NOW), Entry::Full);
    assert_eq!(reports.enter(&report(more, 0, 2, 2), NOW), DONE);
    let of_another = |serial: u64| Claimed {
        caller: Uuid::from_u128(2),
        ..report(serial, 0, 1, 2)
    };
    let another = of_another(more + 1);
    assert_eq!(reports.enter(&another, NOW), Entry::New(None));
    assert_eq!(reports.enter(&report(0, 1, 1, 2), NOW), DONE);
    let part = report(more + 2, 0, 1, 2);
    assert_eq!(reports.enter(&part, NOW), Entry::New(None));
}

#[test]
fn all_callers_that_report_in_parts_have_so_much_room() {
    let reports = Reports::default();
    let part = |serial: u64| Claimed {
        caller: Uuid::from_u128(u128::from(serial % 8)),
        ..report(serial, 0, 1, 2)
    };
    for serial in 0..parts::PARTIAL_MAX as u64 {
        assert_eq!(reports.enter(&part(serial), NOW), Entry::New(None));
    }
    let more = part(parts::PARTIAL_MAX as u64);
    assert_eq!(reports.enter(&more, NOW), Entry::Full);
    let late = NOW.after(DROPPED);
    reports.enter(&report(40 * CHUNK_LEASES, 0, 1, 1), late);
    assert!(reports.state.lock().partial.is_empty());
}

#[test]
fn chunks_of_leases_that_have_ended_are_dropped() {
    let reports = Reports::default();
    for serial in (0..20 * CHUNK_LEASES).step_by(1_000) {
        reports.enter(&report(serial, 0, 1, 1), NOW);
    }
    assert_eq!(reports.state.lock().chunks.len(), 20);
    let late = NOW.after(DROPPED);
    reports.enter(&report(20 * CHUNK_LEASES, 0, 1, 1), late);
    assert_eq!(reports.state.lock().chunks.len(), 1);
}

#[test]
fn leases_may_be_reported_in_any_order() {
    let reports = Reports::default();
    let first_of = |chunk: u64| report(chunk * CHUNK_LEASES, 0, 1, 1);
    for chunk in [7, 0, 3] {
        assert_eq!(reports.enter(&first_of(chunk), NOW), DONE);
        assert_eq!(reports.enter(&first_of(chunk), NOW), Entry::Duplicate);
    }
}

#[test]
fn the_oldest_make_room_where_there_is_no_other() {
    let reports = Reports::default();
    for chunk in 0..=CHUNKS_MAX as u64 {
        reports.enter(&report(chunk * CHUNK_LEASES, 0, 1, 1), NOW);
    }
    assert_eq!(reports.enter(&report(5, 0, 1, 1), NOW), Entry::Forgotten);
    let second = report(CHUNK_LEASES, 0, 1, 1);
    assert_eq!(reports.enter(&second, NOW), Entry::Duplicate);
}

#[test]
fn a_chunk_is_dropped_at_its_own_end() {
    let reports = Reports::default();
    let ending = |chunk: u64, seconds: u64| Claimed {
        lasts: Duration::from_secs(seconds),
        ..report(chunk * CHUNK_LEASES, 0, 1, 1)
    };
    for (chunk, seconds) in [(0, 30), (1, 10), (2, 20)] {
        reports.enter(&ending(chunk, seconds), NOW);
    }
    for (chunk, seconds, kept) in [(3, 10, 3), (4, 20, 3), (5, 30, 3)] {
        let now = NOW.after(DROPPED + Duration::from_secs(seconds - 1));
        reports.enter(&ending(chunk, 90), now);
        assert_eq!(reports.state.lock().chunks.len(), kept);
    }
}

/// Whatever the database's clock said meanwhile, and says again: what was dropped is not taken for new.
#[test]
fn a_lease_whose_reports_were_dropped_is_never_counted_again() {
    let reports = Reports::default();
    assert_eq!(reports.enter(&report(7, 0, 1, 1), NOW), DONE);
    assert_eq!(reports.enter(&report(8, 0, 4, 10), NOW), Entry::New(None));
    let dropped = NOW.after(DROPPED);
    reports.enter(&report(CHUNK_LEASES, 0, 1, 1), dropped);
    assert!(!reports.state.lock().chunks.contains_key(&0));
    // One that lasts longer is its neighbour and counts all the same.
    let long = Claimed {
        lasts: Duration::from_hours(20),
        ..report(9, 0, 1, 1)
    };
    assert_eq!(reports.enter(&long, dropped), DONE);
    for later in [Duration::ZERO, GRACE, GRACE * 1_000] {
        let now = dropped.after(later);
        for serial in [7, 8] {
            let again = report(serial, 0, 1, 1);
            assert_eq!(reports.enter(&again, now), Entry::Forgotten);
        }
    }
}

#[test]
fn what_is_known_of_a_lease_is_kept_as_long_as_it_goes_on() {
    let reports = Reports::default();
    assert_eq!(reports.enter(&report(7, 0, 1, 1), NOW), DONE);
    let until = NOW.after(DROPPED);
    reports.prolong(7, until);
    reports.enter(&report(CHUNK_LEASES, 0, 1, 1), until);
    let renewed = Claimed {
        renewed: Some(until),
        ..report(7, 0, 1, 1)
    };
    assert_eq!(reports.enter(&renewed, until), Entry::Duplicate);
}
