//! Tests of `account.rs`.

use super::*;
use crate::domain::cooling::ACCOUNT_MODELS_MAX;
use crate::domain::health::FailureClass;

mod counting;
mod lines;
mod resting;
mod world;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn until(seconds: i64) -> Cause {
    Cause {
        until: at(seconds),
        why: "429".to_owned(),
        class: FailureClass::RateLimit,
        accuser: None,
        tried: None,
        strikes: 0,
    }
}

#[test]
fn cooldowns_that_are_told_without_end_fill_no_memory() {
    let live = AccountLive::new(Uuid::nil());
    for model in 0..1_000 {
        live.told(&format!("ended-{model}"), until(10), at(10));
        live.told(&format!("m{model}"), until(20), at(10));
    }
    assert_eq!(live.state.lock().cooldowns.count(), ACCOUNT_MODELS_MAX);
    assert!(live.cooling(Some("m999"), at(10)).is_some());
    live.told("", until(20), at(10));
    // What has ended makes room.
    live.told("m1000", until(30), at(20));
    assert_eq!(live.state.lock().cooldowns.count(), 1);
}
