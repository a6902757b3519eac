//! Sealed ids under attack by a caller who holds genuine ones.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::crypto::{ClusterKey, SealedIdError};
use crate::domain::claims::{AVOIDED_MAX, Avoided, LeaseClaims};
use crate::domain::ledger::block::Draw;
use crate::domain::limit::LIMITS_MAX;
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::tags::{TAGS_BYTES_MAX, TAGS_MAX, Tags};
use crate::domain::time::{BootTime, Timestamp};

fn sealers(boot_id: u128) -> IdSealers {
    ClusterKey::known(0x44).id_sealers(BootId(Uuid::from_u128(boot_id)))
}

fn opener(purpose: Purpose) -> IdOpener {
    ClusterKey::known(0x44).id_opener(purpose)
}

fn seal(sealer: &IdSealer, plaintext: &[u8]) -> String {
    sealer.next_serial().unwrap().seal(plaintext).unwrap()
}

#[test]
fn any_replica_opens_the_id_of_another_boot() {
    let sealers = sealers(7);
    seal(&sealers.lease, b"first");
    let opened = opener(Purpose::Lease)
        .open(&seal(&sealers.lease, b"second"))
        .unwrap();
    assert_eq!(
        opened,
        Opened {
            boot_id: Uuid::from_u128(7),
            serial: 1,
            plaintext: b"second".to_vec()
        }
    );
}

#[test]
fn the_serial_is_known_before_sealing() {
    let sealers = sealers(7);
    let serial = sealers.lease.next_serial().unwrap();
    let number = serial.number();
    assert_eq!(
        opener(Purpose::Lease)
            .open(&serial.seal(b"x").unwrap())
            .unwrap()
            .serial,
        number
    );
}

#[test]
fn an_id_of_one_purpose_does_not_open_as_another_even_with_its_purpose_byte_edited() {
    let text = seal(&sealers(7).retry, b"avoid");
    assert_eq!(
        opener(Purpose::Lease).open(&text),
        Err(SealedIdError::DoesNotOpen)
    );
    // base64url writes 01 02 as AQI and 01 01 as AQE.
    assert!(text.starts_with("AQI"));
    let forged = format!("AQE{}", &text[3..]);
    assert_eq!(
        opener(Purpose::Lease).open(&forged),
        Err(SealedIdError::DoesNotOpen)
    );
    assert!(opener(Purpose::Retry).open(&text).is_ok());
}

#[test]
fn an_id_of_another_cluster_or_with_another_boot_id_does_not_open() {
    let text = seal(&sealers(7).lease, b"x");
    assert_eq!(
        ClusterKey::known(0x45)
            .id_opener(Purpose::Lease)
            .open(&text),
        Err(SealedIdError::DoesNotOpen)
    );
    let other = seal(&sealers(8).lease, b"x");
    // 24 characters are exactly the 18 bytes of version, purpose and boot id.
    let forged = format!("{}{}", &other[..24], &text[24..]);
    assert_eq!(
        opener(Purpose::Lease).open(&forged),
        Err(SealedIdError::DoesNotOpen)
    );
}

#[test]
fn a_character_changed_anywhere_is_refused() {
    let opener = opener(Purpose::Lease);
    for plaintext in [&b"ab"[..], b"abc", b"abcd"] {
        let text = seal(&sealers(7).lease, plaintext);
        for place in 0..text.len() {
            for replacement in [b'A', b'B', b'-', b'_', b'=', b' ', b'\n'] {
                let mut forged = text.clone().into_bytes();
                if std::mem::replace(&mut forged[place], replacement) != replacement {
                    let forged = String::from_utf8(forged).unwrap();
                    assert_eq!(
                        opener.open(&forged),
                        Err(SealedIdError::DoesNotOpen),
                        "{place} {replacement}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_bit_flipped_anywhere_is_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let raw = URL_SAFE_NO_PAD
        .decode(seal(&sealers(7).lease, b"lease"))
        .unwrap();
    for bit in 0..raw.len() * 8 {
        let mut forged = raw.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let text = URL_SAFE_NO_PAD.encode(forged);
        assert_eq!(
            opener(Purpose::Lease).open(&text),
            Err(SealedIdError::DoesNotOpen),
            "bit {bit}"
        );
    }
}

#[test]
fn an_id_of_any_other_length_is_refused() {
    let text = seal(&sealers(7).lease, b"lease");
    for length in 0..text.len() {
        assert!(
            opener(Purpose::Lease).open(&text[..length]).is_err(),
            "length {length}"
        );
    }
    for added in ["A", "AA", "AAA", "AAAA", "="] {
        assert!(
            opener(Purpose::Lease)
                .open(&format!("{text}{added}"))
                .is_err()
        );
    }
    assert!(
        opener(Purpose::Lease)
            .open(&"A".repeat(10_000_000))
            .is_err()
    );
}

#[test]
fn the_longest_id_has_as_many_characters_as_is_said_and_opens() {
    let sealers = sealers(7);
    let text = seal(&sealers.lease, &[9; SEALED_ID_PLAINTEXT_BYTES_MAX]);
    assert_eq!(text.len(), SEALED_ID_CHARS_MAX);
    assert_eq!(
        opener(Purpose::Lease).open(&text).unwrap().plaintext,
        [9; SEALED_ID_PLAINTEXT_BYTES_MAX]
    );
    let refused = sealers
        .lease
        .next_serial()
        .unwrap()
        .seal(&[9; SEALED_ID_PLAINTEXT_BYTES_MAX + 1]);
    assert_eq!(
        refused,
        Err(SealedIdError::PlaintextTooLong {
            found: 3_799,
            max: 3_798
        })
    );
}

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

#[test]
fn forged_boot_ids_leave_nothing_behind_and_genuine_ones_are_bounded() {
    let opener = opener(Purpose::Lease);
    let genuine = seal(&sealers(7).lease, b"x");
    opener.open(&genuine).unwrap();
    for boot_id in 0..2_000 {
        let header = seal(&sealers(boot_id + 100).lease, b"x");
        assert!(
            opener
                .open(&format!("{}{}", &header[..24], &genuine[24..]))
                .is_err()
        );
    }
    assert_eq!(opener.ciphers_kept(), 1);
    for boot_id in 0..1_100 {
        opener
            .open(&seal(&sealers(boot_id + 100).lease, b"x"))
            .unwrap();
    }
    assert_eq!(opener.ciphers_kept(), 1_024);
    assert!(opener.open(&genuine).is_ok());
}

#[test]
fn threads_never_share_a_serial() {
    let sealers = sealers(7);
    let numbers = || {
        (0..1_000)
            .map(|_| sealers.lease.next_serial().unwrap().number())
            .collect::<Vec<_>>()
    };
    let all: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(numbers)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4_000);
}

#[test]
fn boots_differ() {
    assert_ne!(
        BootId::generate().unwrap().uuid(),
        BootId::generate().unwrap().uuid()
    );
}

#[test]
fn a_known_id_has_known_text() {
    let sealers = sealers(0x0198_0000_0000_7000_8000_0000_0000_0001);
    seal(&sealers.lease, b"skipped");
    assert_eq!(
        seal(&sealers.lease, b"lease-known"),
        "AQEBmAAAAABwAIAAAAAAAAABAAAAAAAAAAGL_nvglQum1KyUZvbazP-5prtHO33zvkAVK2k"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_opener_panic(text in "[A-Za-z0-9_-]{0,200}") {
        prop_assert!(opener(Purpose::Lease).open(&text).is_err());
    }
}
