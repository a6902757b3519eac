//! Whatever a lease id carries comes back as it was, and no bytes do harm.

use proptest::prelude::*;

use super::*;

fn uids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn draws() -> impl Strategy<Value = Vec<(Uuid, Draw)>> {
    let draw = (any::<u64>(), any::<u64>(), any::<u64>());
    let draw = draw.prop_map(|(block, units, ordinal)| Draw {
        block,
        units,
        ordinal,
    });
    prop::collection::vec((uids(), draw), 0..64)
}

fn avoided() -> impl Strategy<Value = Vec<Avoided>> {
    let one = prop_oneof![
        uids().prop_map(Avoided::Version),
        uids().prop_map(Avoided::Account)
    ];
    prop::collection::vec(one, 0..=AVOIDED_MAX)
}

prop_compose! {
    fn claims()(
        uids in prop::array::uniform4(uids()),
        model in "[a-z0-9./:-]{0,40}",
        (granted, is_canary) in (any::<u32>(), any::<bool>()),
        given in 0..i64::MAX,
        received in prop::option::of(1..u64::MAX),
        millis in 0..=86_400_000_u64,
        (draws, avoided) in (draws(), avoided()),
        tag in "[a-z]{1,10}",
    ) -> LeaseClaims {
        LeaseClaims {
            caller_uid: uids[0],
            pool_uid: uids[1],
            account_uid: uids[2],
            version_uid: uids[3],
            model,
            granted,
            is_canary,
            given: Timestamp::from_micros(given),
            received: received.map(BootTime::from_nanos),
            report_within: Duration::from_millis(millis),
            draws,
            avoided,
            tags: Tags::parse("tags", [("team".to_owned(), tag)]).unwrap(),
        }
    }
}

proptest! {
    #[test]
    fn claims_come_back_as_they_were(claims in claims()) {
        prop_assert_eq!(LeaseClaims::decode(&claims.encode()), Ok(claims));
    }

    #[test]
    fn what_is_avoided_comes_back_as_it_was_and_stays_bounded(uid in uids(), ends in 0..i64::MAX, more in prop::collection::vec(uids(), 0..30)) {
        let mut claims = RetryClaims { ends: Timestamp::from_micros(ends), ..RetryClaims::nothing(uid) };
        for uid in more {
            claims = claims.avoiding(Avoided::Version(uid));
            prop_assert_eq!(claims.avoided.last(), Some(&Avoided::Version(uid)));
        }
        prop_assert!(claims.avoided.len() <= AVOIDED_MAX);
        prop_assert_eq!(RetryClaims::decode(&claims.encode()), Ok(claims));
    }

    #[test]
    fn no_bytes_do_harm(claims in claims(), at in any::<prop::sample::Index>(), value in any::<u8>(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = claims.encode();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = LeaseClaims::decode(&bytes);
        let _ = LeaseClaims::decode(&noise);
        let _ = RetryClaims::decode(&noise);
    }
}
