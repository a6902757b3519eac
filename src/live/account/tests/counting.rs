//! What is counted down from what a caller said: tried as its word would be, and nobody is wrong where there was more.

use std::time::Duration;

use super::resting::requests;
use super::world::World;
use super::*;
use crate::domain::cooling::Weight;
use crate::domain::ledger::budget::Take;
use crate::domain::remaining::Word;
use crate::domain::time::BootTime;
use crate::live::version::Applicant;

const SAYS: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn applicant(caller: Uuid) -> Applicant {
    Applicant {
        caller,
        patience: Duration::from_secs(10),
    }
}

/// So many requests of the model `m` are left for 20 hours, as one caller says at 0.
fn one_says(remaining: u64) -> World {
    let world = World::new(Vec::new());
    let word = Word {
        caller: SAYS,
        weight: Some(Weight::Alleged {
            by: SAYS,
            given: at(-1),
            quarantine: Duration::from_mins(1),
        }),
        model: "m".to_owned(),
    };
    let said = requests(remaining, 72_000);
    world.live.hear_left("m", (word, at(-1)), said, at(0));
    world
}

fn lease(world: &World, caller: Uuid, now: i64) -> Result<bool, Cause> {
    let applicant = applicant(caller);
    let is_try = world.live.try_out(Some("m"), applicant, at(now))?;
    let asking = Asking {
        applicant,
        is_try,
        now: at(now),
    };
    let need = world.need("m", None);
    let take = world.live.take(need, asking, BootTime::default(), |_| {});
    let take = take.map_err(|rest| rest.cause)?;
    assert!(matches!(take, Take::Taken(_)), "{take:?}");
    Ok(is_try)
}

#[test]
fn where_there_was_more_than_was_counted_nobody_was_wrong() {
    for finds in [SAYS, OTHER] {
        let world = one_says(1);
        assert_eq!(lease(&world, OTHER, 1), Ok(false));
        // What it is told is when a single lease finds out, whoever asks then.
        let rests = lease(&world, OTHER, 2).unwrap_err();
        assert_eq!(rests.until, at(61));
        assert_eq!(lease(&world, finds, 61), Ok(true));
        assert!(lease(&world, OTHER, 62).is_err());
        let found = world.live.succeed("m", (finds, at(61)), at(63));
        assert_eq!((found.wrong, found.in_vain), (None, Some(SAYS)));
        assert_eq!(lease(&world, OTHER, 64), Ok(false));
        assert_eq!(lease(&world, OTHER, 65), Ok(false));
    }
}
