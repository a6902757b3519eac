//! What a database is taken for.

use super::*;

fn sight(timeline: &str) -> Sight {
    Sight {
        system_id: "7".to_owned(),
        timeline: timeline.to_owned(),
        filenode: 16_384,
    }
}

fn standing(known: Option<&str>, number: i64, beats: Option<i64>) -> Standing {
    Standing {
        sight: sight("00000002"),
        known: known.map(sight),
        number,
        beats,
        silence: Some(Duration::from_secs(1)),
        loss: Loss::default(),
    }
}

const MEMORY: Memory = Memory {
    beats: 9,
    incarnation: 3,
};

#[test]
fn a_database_that_remembers_all_is_fine() {
    assert_eq!(standing(Some("00000002"), 3, Some(9)).finding(MEMORY), None);
    // A heartbeat whose answer was lost.
    assert_eq!(
        standing(Some("00000002"), 3, Some(10)).finding(MEMORY),
        None
    );
}

#[test]
fn a_promoted_standby_and_a_first_database_are_told_apart() {
    assert_eq!(
        standing(Some("00000001"), 3, Some(9)).finding(MEMORY),
        Some(Finding::Promoted)
    );
    assert_eq!(
        standing(None, 0, None).finding(Memory::default()),
        Some(Finding::First)
    );
}

#[test]
fn a_database_set_back_has_forgotten_heartbeats() {
    assert_eq!(
        standing(Some("00000002"), 3, Some(4)).finding(MEMORY),
        Some(Finding::Forgot)
    );
    assert_eq!(
        standing(Some("00000002"), 3, None).finding(MEMORY),
        Some(Finding::Forgot)
    );
}

#[test]
fn what_another_replica_has_noted_is_not_noted_again() {
    assert_eq!(standing(Some("00000002"), 4, Some(4)).finding(MEMORY), None);
}

#[test]
fn a_new_replica_has_nothing_to_miss() {
    assert_eq!(
        standing(Some("00000002"), 3, None).finding(Memory::default()),
        None
    );
}

#[test]
fn a_promotion_may_have_lost_what_was_declared_or_what_was_forgotten_if_that_is_more() {
    let lag = Duration::from_secs(10);
    let loss = |beats, replication| {
        standing(Some("00000001"), 3, beats).loss(Finding::Promoted, MEMORY, replication)
    };
    let declared = Replication::Asynchronous(lag);
    assert_eq!(loss(Some(9), declared), Some(lag));
    assert_eq!(loss(Some(4), declared), Some(BEAT_MAX * 6));
    assert_eq!(loss(None, declared), Some(Duration::MAX));
    assert_eq!(loss(Some(9), Replication::Synchronous), None);
    assert_eq!(loss(Some(4), Replication::Synchronous), Some(Duration::MAX));
}

#[test]
fn a_promotion_that_nobody_has_lived_through_may_be_a_backup_also_where_replication_is_synchronous()
{
    let loss = |silence, memory| {
        let standing = Standing {
            silence,
            ..standing(Some("00000001"), 3, Some(9))
        };
        standing.loss(Finding::Promoted, memory, Replication::Synchronous)
    };
    let (long, short) = (Duration::from_hours(1), Duration::from_secs(20));
    assert_eq!(loss(Some(long), Memory::default()), Some(Duration::MAX));
    assert_eq!(loss(None, Memory::default()), Some(Duration::MAX));
    assert_eq!(loss(Some(short), Memory::default()), None);
    assert_eq!(loss(Some(long), MEMORY), None);
}
