//! The envelope under attack by somebody who can write every column of the database.

use super::*;
use crate::crypto::MissingMasterKey;

#[test]
fn a_secret_opens_for_no_other_uid_version_field_or_hosts() {
    let allowed = hosts(&["api.openai.com"]);
    let sealed = seal(
        &ring(1, &[]),
        &context(&allowed),
        &Secret::new(b"sk-1".to_vec()),
    )
    .unwrap();
    assert!(refused(
        &SealContext {
            key_uid: Uuid::from_u128(1),
            ..context(&allowed)
        },
        &sealed
    ));
    assert!(refused(
        &SealContext {
            version: 2,
            ..context(&allowed)
        },
        &sealed
    ));
    assert!(refused(
        &SealContext {
            field: "api_kez",
            ..context(&allowed)
        },
        &sealed
    ));
    for edited in [
        &["evil.com"][..],
        &[],
        &["api.openai.com", "evil.com"],
        &["api.openai.comevil.com"],
        &[""],
    ] {
        assert!(refused(&context(&hosts(edited)), &sealed), "{edited:?}");
    }
}

#[test]
fn a_host_is_not_mistaken_for_the_field_beside_it() {
    let (one, other) = (hosts(&["b", "c"]), hosts(&["c"]));
    let sealed = seal(
        &ring(1, &[]),
        &SealContext {
            field: "a",
            ..context(&one)
        },
        &Secret::new(vec![1]),
    )
    .unwrap();
    assert!(refused(
        &SealContext {
            field: "ab",
            ..context(&other)
        },
        &sealed
    ));
}

#[test]
fn columns_swapped_between_rows_do_not_open() {
    let sealed = |version| {
        let context = SealContext {
            version,
            ..context(&[])
        };
        seal(&ring(1, &[]), &context, &Secret::new(b"sk-1".to_vec())).unwrap()
    };
    let (mine, other, again) = (sealed(1), sealed(2), sealed(1));
    assert!(refused(&context(&[]), &other));
    for donor in [&other, &again] {
        assert!(refused(
            &context(&[]),
            &Sealed {
                ciphertext: donor.ciphertext.clone(),
                ..mine.clone()
            }
        ));
        assert!(refused(
            &context(&[]),
            &Sealed {
                wrapped_dek: donor.wrapped_dek.clone(),
                ..mine.clone()
            }
        ));
    }
    let crossed = Sealed {
        wrapped_dek: mine.ciphertext.clone(),
        ciphertext: mine.wrapped_dek.clone(),
        ..mine
    };
    assert!(refused(&context(&[]), &crossed));
}

#[test]
fn a_bit_flipped_or_a_byte_cut_in_either_column_is_refused() {
    let sealed = seal(&ring(1, &[]), &context(&[]), &Secret::new(b"sk-1".to_vec())).unwrap();
    let forge = |edit: &dyn Fn(&mut Vec<u8>), first: bool| {
        let mut forged = sealed.clone();
        edit(if first {
            &mut forged.wrapped_dek
        } else {
            &mut forged.ciphertext
        });
        assert!(refused(&context(&[]), &forged));
    };
    for (first, length) in [
        (true, sealed.wrapped_dek.len()),
        (false, sealed.ciphertext.len()),
    ] {
        for place in 0..length {
            forge(&|column| column[place] ^= 1, first);
            forge(&|column| column[place] ^= 0x80, first);
            forge(&|column| column.truncate(place), first);
        }
        forge(&|column| column.push(0), first);
    }
}

#[test]
fn naming_another_master_key_is_refused_or_reported_missing() {
    let sealed = seal(&ring(1, &[]), &context(&[]), &Secret::new(b"sk-1".to_vec())).unwrap();
    let renamed = |byte| Sealed {
        master_key: MasterKey::known(byte).fingerprint(),
        ..sealed.clone()
    };
    assert!(refused(&context(&[]), &renamed(2)));
    let error = open(&ring(1, &[2]), &context(&[]), &renamed(3)).unwrap_err();
    let wanted = MasterKey::known(3).fingerprint();
    assert!(
        matches!(error, EnvelopeError::MissingMasterKey(MissingMasterKey { wanted: named, .. }) if named == wanted)
    );
}

#[test]
fn rewrapping_refuses_a_row_that_was_edited() {
    let sealed = seal(&ring(1, &[]), &context(&[]), &Secret::new(b"sk-1".to_vec())).unwrap();
    let evil = hosts(&["evil.com"]);
    for ring in [ring(1, &[]), ring(2, &[1])] {
        assert!(matches!(
            rewrap(&ring, &context(&evil), &sealed),
            Err(EnvelopeError::DoesNotOpen)
        ));
    }
}
