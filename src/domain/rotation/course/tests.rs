//! Tests of `course.rs`.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::id::Id;
use crate::domain::rotation::{GRACE_DEFAULT, Origin};

mod trying;

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn rotation(step: Step) -> Rotation {
    Rotation {
        uid: Uuid::from_u128(1),
        key_uid: Uuid::from_u128(2),
        id: Id::parse("rotation", "2").unwrap(),
        step,
        from_number: Some(1),
        to_number: 2,
        reason: String::new(),
        create_time: at(0),
        update_time: at(0),
        origin: Origin::Operator,
        skips_test: false,
        grace: GRACE_DEFAULT,
        step_time: at(0),
        attempts: 0,
        next_attempt: Some(at(0)),
        why: String::new(),
        is_held: false,
        is_automatic: false,
        epoch: 0,
    }
}

const ROLL_BACK: Event = Event::RollBack { is_automatic: true };
const DRAINED: Event = Event::Drained { at_provider: false };

#[test]
fn a_rotation_goes_from_its_secret_to_the_revoked_previous_version() {
    let mut rotation = rotation(Step::Creating);
    assert_eq!(rotation.on(Event::Created, at(1)), Ok(Deed::Wait));
    assert_eq!(
        (rotation.step, rotation.next_attempt),
        (Step::Pending, Some(at(1)))
    );
    let proven = Event::Tested(Tested::Proven);
    assert_eq!(rotation.on(proven, at(2)), Ok(Deed::Promote));
    assert_eq!(
        (rotation.step, rotation.next_attempt),
        (Step::Draining, None)
    );
    let drained = Event::Drained { at_provider: true };
    assert_eq!(rotation.on(drained, at(3)), Ok(Deed::Revoke));
    assert_eq!(
        (rotation.step, rotation.next_attempt),
        (Step::Revoking, Some(at(3)))
    );
    assert_eq!(rotation.on(Event::Revoked, at(4)), Ok(Deed::Wait));
    assert_eq!((rotation.step, rotation.step_time), (Step::Done, at(4)));
}

#[test]
fn a_secret_that_was_just_made_is_rejected_for_a_minute_before_a_person_is_asked() {
    let mut rotation = rotation(Step::Pending);
    rotation.origin = Origin::Rotator;
    let rejected = Event::Tested(Tested::Rejected("credential".to_owned()));
    let (mut now, begun) = (at(0), at(0));
    while !rotation.is_held {
        assert_eq!(rotation.on(rejected.clone(), now), Ok(Deed::Wait));
        now = rotation.next_attempt.unwrap_or(now);
    }
    let tried = now.since(begun).as_secs();
    assert!((60..=90).contains(&tried), "{tried}");
    assert_eq!(rotation.attempts, REJECTIONS_OF_MINTED);
    let mut known = rotation.clone();
    (known.attempts, known.is_held) = (2, false);
    let proven = Event::Tested(Tested::Proven);
    assert_eq!(known.on(proven, now), Ok(Deed::Promote));
}

#[test]
fn what_a_provider_rejects_is_never_promoted_and_waits_for_a_person() {
    let mut rotation = rotation(Step::Pending);
    let rejected = Event::Tested(Tested::Rejected("credential".to_owned()));
    assert_eq!(rotation.on(rejected, at(1)), Ok(Deed::Wait));
    assert!(rotation.is_held && rotation.next_attempt.is_none());
    assert_eq!(
        (rotation.step, rotation.why.as_str()),
        (Step::Testing, "credential")
    );
    let mut skipping = rotation.clone();
    assert_eq!(
        skipping.on(Event::Retry { skips_test: true }, at(2)),
        Ok(Deed::Promote)
    );
    assert_eq!(
        rotation.on(Event::Retry { skips_test: false }, at(2)),
        Ok(Deed::Wait)
    );
    assert!(!rotation.is_held && rotation.next_attempt == Some(at(2)));
    assert_eq!(rotation.on(Event::Cancel, at(3)), Ok(Deed::Discard));
    assert_eq!(rotation.step, Step::Cancelled);
}

#[test]
fn an_unclear_test_is_repeated_ever_more_rarely_and_at_last_waits_for_a_person() {
    let mut rotation = rotation(Step::Pending);
    let (mut now, mut gaps) = (at(0), Vec::new());
    while !rotation.is_held {
        let unclear = Event::Tested(Tested::Unclear("no answer".to_owned()));
        assert_eq!(rotation.on(unclear, now), Ok(Deed::Wait));
        let next = rotation.next_attempt.unwrap_or(now);
        gaps.push(next.since(now).as_secs());
        now = next;
    }
    assert_eq!(gaps[..8], [5, 10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(now.since(at(0)).as_secs() / 60, 60);
}

#[test]
fn only_what_is_current_and_has_its_previous_version_is_rolled_back() {
    for (step, _) in Step::ALL {
        let mut rotation = rotation(step);
        let deed = rotation.on(ROLL_BACK, at(1));
        assert_eq!(deed.is_ok(), step == Step::Draining, "{step:?}");
        if let Ok(deed) = deed {
            assert_eq!((deed, rotation.step), (Deed::Restore, Step::RolledBack));
            assert!(rotation.is_automatic);
        }
    }
}

#[test]
fn what_is_current_is_not_cancelled() {
    let refused = rotation(Step::Draining)
        .on(Event::Cancel, at(1))
        .unwrap_err();
    assert!(refused.to_string().contains("RollbackKey"));
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Created),
        Just(Event::Tested(Tested::Proven)),
        Just(Event::Tested(Tested::Rejected("no".to_owned()))),
        Just(Event::Tested(Tested::Unclear("none".to_owned()))),
        Just(Event::Tested(Tested::Limited(
            "429".to_owned(),
            GRACE_DEFAULT
        ))),
        Just(Event::Failed("none".to_owned())),
        Just(Event::Stuck("none".to_owned())),
        any::<bool>().prop_map(|at_provider| Event::Drained { at_provider }),
        Just(Event::Revoked),
        Just(Event::Cancel),
        any::<bool>().prop_map(|skips_test| Event::Retry { skips_test }),
        Just(ROLL_BACK),
    ]
}

proptest! {
    /// Whatever comes, in whatever order: a version is promoted once, revoked or restored only after that and once, and what is over stays so.
    #[test]
    fn whatever_happens_each_deed_is_done_once_and_in_order(
        events in prop::collection::vec(events(), 0..40),
        starts_pending in any::<bool>(),
    ) {
        let mut rotation = rotation(if starts_pending { Step::Pending } else { Step::Creating });
        let (mut promoted, mut ended) = (0, 0);
        for (second, event) in (1..).zip(events) {
            let before = rotation.clone();
            match rotation.on(event, at(second)) {
                Err(_) => prop_assert_eq!(&rotation, &before),
                Ok(deed) => {
                    prop_assert!(!before.step.is_over() || deed == Deed::Wait);
                    match deed {
                        Deed::Promote => promoted += 1,
                        Deed::Revoke | Deed::Restore => {
                            prop_assert_eq!(promoted, 1);
                            ended += 1;
                        }
                        Deed::Discard => prop_assert_eq!(promoted, 0),
                        Deed::Wait => {}
                    }
                }
            }
            // Somebody always has the next step, unless it drains, or waits for a person.
            if !rotation.step.is_over() {
                let waits = rotation.next_attempt.is_some();
                prop_assert_eq!(waits, rotation.step != Step::Draining && !rotation.is_held);
            }
        }
        prop_assert!(promoted <= 1 && ended <= 1);
        prop_assert!(promoted == 0 || rotation.step != Step::Cancelled);
    }
}

#[test]
fn what_a_rotator_made_in_vain_is_revoked_at_the_provider() {
    let mut cancelled = Rotation {
        origin: Origin::Rotator,
        ..rotation(Step::Creating)
    };
    assert_eq!(cancelled.on(Event::Cancel, at(1)), Ok(Deed::Discard));
    // Not before the rotator, which is being asked, has answered or is given up.
    assert!(cancelled.cleans_up() && cancelled.next_attempt == Some(at(21)));
    assert_eq!(cancelled.on(Event::Created, at(2)), Ok(Deed::Wait));
    assert_eq!(cancelled.next_attempt, Some(at(2)));
    let failed = Event::Failed("503".to_owned());
    assert_eq!(cancelled.on(failed, at(2)), Ok(Deed::Wait));
    assert_eq!(cancelled.next_attempt, Some(at(7)));
    assert_eq!(cancelled.on(Event::Revoked, at(7)), Ok(Deed::Wait));
    assert!(cancelled.step == Step::Cancelled && !cancelled.cleans_up());
    assert!(cancelled.on(Event::Revoked, at(8)).is_err());

    let mut undone = rotation(Step::Draining);
    assert_eq!(undone.on(ROLL_BACK, at(1)), Ok(Deed::Restore));
    let drained = Event::Drained { at_provider: true };
    assert_eq!(undone.on(drained, at(90)), Ok(Deed::Wait));
    assert!(undone.step == Step::RolledBack && undone.cleans_up());
}

#[test]
fn what_a_person_has_to_mend_first_is_held_at_once() {
    for (step, _) in Step::ALL {
        let mut rotation = rotation(step);
        let stuck = rotation.on(Event::Stuck("edited".to_owned()), at(1));
        // What is over has something to do here: its rotator is to revoke what it made.
        assert_eq!(stuck.is_ok(), step != Step::Draining, "{step:?}");
        if stuck.is_ok() {
            assert!(rotation.is_held && rotation.next_attempt.is_none());
            assert_eq!(rotation.why, "edited");
            let retry = Event::Retry { skips_test: false };
            assert_eq!(rotation.on(retry, at(2)), Ok(Deed::Wait));
        }
    }
}

#[test]
fn drained_twice_is_unfit_the_second_time() {
    let mut rotation = rotation(Step::Draining);
    assert_eq!(rotation.on(DRAINED, at(1)), Ok(Deed::Revoke));
    assert!(rotation.on(DRAINED, at(2)).is_err());
}
