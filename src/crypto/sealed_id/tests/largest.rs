//! The largest lease that there can be.

use std::time::Duration;

use super::*;
use crate::domain::claims::{AVOIDED_MAX, Avoided, LeaseClaims};
use crate::domain::ledger::block::Draw;
use crate::domain::limit::LIMITS_MAX;
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::tags::{TAGS_BYTES_MAX, TAGS_MAX, Tags};
use crate::domain::time::{BootTime, Timestamp};

/// Every number as large as it can be written, and as much of everything as a lease may carry.
fn largest_lease() -> LeaseClaims {
    let draw = |number: usize| {
        let draw = Draw {
            block: u64::MAX,
            units: u64::MAX,
            ordinal: u64::MAX,
        };
        (Uuid::from_u128(number as u128), draw)
    };
    let uid = Uuid::max();
    let tag = |number: usize| {
        let key = format!("tag-{number}");
        let value = "v".repeat(TAGS_BYTES_MAX / TAGS_MAX - key.len());
        (key, value)
    };
    LeaseClaims {
        caller_uid: uid,
        pool_uid: uid,
        account_uid: uid,
        version_uid: uid,
        model: "m".repeat(MODEL_BYTES_MAX),
        granted: u32::MAX,
        is_canary: true,
        given: Timestamp::from_micros(i64::MAX),
        received: Some(BootTime::from_nanos(u64::MAX)),
        report_within: Duration::from_millis(u64::MAX),
        draws: (0..LIMITS_MAX).map(draw).collect(),
        avoided: vec![Avoided::Account(uid); AVOIDED_MAX],
        tags: Tags::parse("tags", (0..TAGS_MAX).map(tag)).unwrap(),
    }
}

#[test]
fn the_largest_lease_fits_into_an_id_and_comes_back() {
    let lease = largest_lease();
    let text = seal(&sealers(7).lease, &lease.encode());
    let opened = opener(Purpose::Lease).open(&text).unwrap();
    assert_eq!(LeaseClaims::decode(&opened.plaintext), Ok(lease));
}
