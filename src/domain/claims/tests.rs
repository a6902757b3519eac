//! Tests of `claims.rs`.

use super::*;

fn claims() -> LeaseClaims {
    LeaseClaims {
        caller_uid: Uuid::from_u128(1),
        pool_uid: Uuid::from_u128(2),
        account_uid: Uuid::from_u128(3),
        version_uid: Uuid::from_u128(4),
        model: "gpt-4o".to_owned(),
        granted: 3,
        is_canary: true,
        given: Timestamp::from_micros(1_700_000_000_000_000),
        received: Some(BootTime::from_nanos(77_000_000_000)),
        report_within: Duration::from_mins(10),
        draws: vec![(
            Uuid::from_u128(5),
            Draw {
                block: 1 << 40,
                units: 8_000,
                ordinal: 3,
            },
        )],
        avoided: vec![Avoided::Account(Uuid::from_u128(6))],
        tags: Tags::parse("tags", [("team".to_owned(), "search".to_owned())]).unwrap(),
    }
}

#[test]
fn claims_come_back_as_they_were() {
    assert_eq!(LeaseClaims::decode(&claims().encode()).unwrap(), claims());
    let retry = RetryClaims {
        caller_uid: Uuid::from_u128(9),
        ends: Timestamp::from_micros(5),
        avoided: vec![Avoided::Version(Uuid::max()), Avoided::Account(Uuid::nil())],
    };
    assert_eq!(RetryClaims::decode(&retry.encode()).unwrap(), retry);
}

#[test]
fn claims_cut_anywhere_or_with_more_behind_are_malformed() {
    let bytes = claims().encode();
    for end in 0..bytes.len() {
        assert!(LeaseClaims::decode(&bytes[..end]).is_err(), "{end}");
    }
    assert!(LeaseClaims::decode(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn a_huge_count_of_draws_is_malformed_and_allocates_nothing() {
    let mut bytes = LeaseClaims {
        draws: vec![],
        avoided: vec![],
        tags: Tags::default(),
        ..claims()
    }
    .encode();
    bytes.truncate(bytes.len() - 3);
    bytes.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(LeaseClaims::decode(&bytes).is_err());
}

#[test]
fn a_retry_token_forgets_the_oldest_beyond_its_bound() {
    let mut retry = RetryClaims {
        caller_uid: Uuid::nil(),
        ends: Timestamp::from_micros(0),
        avoided: vec![],
    };
    for uid in 0..40 {
        retry = retry.avoiding(Avoided::Version(Uuid::from_u128(uid)));
    }
    assert_eq!(retry.avoided.len(), AVOIDED_MAX);
    assert_eq!(retry.avoided[0], Avoided::Version(Uuid::from_u128(32)));
}
