//! How often a step is tried, for how long, and how old it is.

use super::*;

/// It is tried in vain so often; answers how long that takes.
fn tried_in_vain(rotation: &mut Rotation, times: u32) -> u64 {
    let mut now = rotation.next_attempt.unwrap();
    let began = now;
    for _ in 0..times {
        let failed = Event::Failed("503".to_owned());
        assert_eq!(rotation.on(failed, now), Ok(Deed::Wait));
        now = rotation.next_attempt.unwrap();
    }
    now.since(began).as_secs()
}

#[test]
fn a_rotator_that_is_away_is_asked_without_end_and_told_of_after_an_hour() {
    for step in [
        Step::Creating,
        Step::Revoking,
        Step::Cancelled,
        Step::RolledBack,
    ] {
        let mut rotation = rotation(step);
        let hour = tried_in_vain(&mut rotation, TRIES_TOLD - 1);
        assert_eq!(hour / 60, 60, "{step:?}");
        // Days later it is asked still, and never more often.
        assert_eq!(tried_in_vain(&mut rotation, 1_000), 1_000 * 300);
        assert!(!rotation.is_held && rotation.attempts > TRIES_TOLD);
    }
}

#[test]
fn neither_a_downtime_nor_a_clock_that_was_set_takes_tries() {
    let mut rotation = rotation(Step::Testing);
    let unclear = || Event::Tested(Tested::Unclear("no answer".to_owned()));
    for hours in [0, 100, 9_000, 1, 9_001] {
        assert_eq!(rotation.on(unclear(), at(hours * 3_600)), Ok(Deed::Wait));
        assert!(!rotation.is_held, "{hours}");
    }
}

#[test]
fn a_step_is_as_old_as_it_is_however_often_it_is_tried() {
    let mut rotation = rotation(Step::Revoking);
    let retry = Event::Retry { skips_test: false };
    assert_eq!(rotation.on(retry, at(50)), Ok(Deed::Wait));
    let failed = Event::Failed("503".to_owned());
    assert_eq!(rotation.on(failed, at(60)), Ok(Deed::Wait));
    assert_eq!((rotation.step_time, rotation.update_time), (at(0), at(60)));
    // What is left to do for one that is over is no step of it.
    let mut undone = Rotation {
        step: Step::RolledBack,
        next_attempt: None,
        ..rotation
    };
    let drained = Event::Drained { at_provider: true };
    assert_eq!(undone.on(drained, at(70)), Ok(Deed::Wait));
    assert_eq!(undone.on(Event::Revoked, at(80)), Ok(Deed::Wait));
    assert_eq!(undone.step_time, at(0));
}

#[test]
fn what_is_left_to_revoke_of_one_that_is_over_can_be_given_up_once() {
    for step in [Step::Cancelled, Step::RolledBack] {
        let mut over = rotation(step);
        assert!(over.cleans_up());
        assert_eq!(over.on(Event::Cancel, at(1)), Ok(Deed::Wait));
        assert!(over.step == step && !over.cleans_up());
        assert!(over.on(Event::Cancel, at(2)).is_err());
    }
}

#[test]
fn a_limit_on_requests_is_waited_for_as_long_as_it_says_and_no_longer_than_an_hour() {
    for (said, wanted) in [(0, 5), (2, 5), (90, 90), (86_400, 3_600)] {
        let mut limited = rotation(Step::Pending);
        let tested = Tested::Limited("429".to_owned(), Duration::from_secs(said));
        assert_eq!(limited.on(Event::Tested(tested), at(0)), Ok(Deed::Wait));
        assert_eq!(
            (limited.step, limited.next_attempt, &*limited.why),
            (Step::Testing, Some(at(wanted)), "429"),
            "{said}"
        );
    }
    // After as many tries as of any test a person is told.
    let mut limited = rotation(Step::Testing);
    for _ in 0..TRIES_TOLD {
        let tested = Tested::Limited("429".to_owned(), Duration::from_mins(10));
        limited.on(Event::Tested(tested), at(1)).unwrap();
    }
    assert!(limited.is_held && limited.next_attempt.is_none());
}
