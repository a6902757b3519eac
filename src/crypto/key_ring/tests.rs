use super::*;

fn text_of(key: &MasterKey) -> String {
    String::from_utf8(key.to_text().expose().to_vec()).unwrap()
}

#[test]
fn the_first_key_of_a_file_comes_first_and_the_others_are_found() {
    let (first, second) = (MasterKey::known(1), MasterKey::known(2));
    let text = format!(
        "# ours\n\n  {}\r\n# old\n{}\n",
        text_of(&first),
        text_of(&second)
    );
    let ring = KeyRing::parse(&text).unwrap();
    assert_eq!(ring.first().fingerprint(), first.fingerprint());
    assert_eq!(
        ring.fingerprints(),
        [first.fingerprint(), second.fingerprint()]
    );
    assert_eq!(
        ring.find(&second.fingerprint()).unwrap().key().expose(),
        second.key().expose()
    );
}

#[test]
fn a_bad_line_is_named_by_its_number_and_not_repeated() {
    let text = format!("{}\n# x\nsk-canary-secret\n", text_of(&MasterKey::known(1)));
    let error = KeyRing::parse(&text).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 3 of the master key file: a master key begins with klmk1_"
    );
}

#[test]
fn a_file_without_a_key_is_refused() {
    assert!(matches!(
        KeyRing::parse("# nothing\n\n").unwrap_err(),
        KeyRingError::Empty
    ));
    assert!(matches!(
        KeyRing::parse("").unwrap_err(),
        KeyRingError::Empty
    ));
}

#[test]
fn a_key_given_twice_is_refused_wherever_it_stands() {
    for order in [[1, 1, 2], [1, 2, 1], [1, 2, 2]] {
        let [first, others @ ..] = order.map(MasterKey::known);
        let error = KeyRing::new(first, others.into()).unwrap_err();
        assert!(matches!(error, KeyRingError::Duplicate(_)));
    }
}

#[test]
fn rings_of_several_sources_are_one_and_a_key_of_two_is_held_once() {
    let ring = |bytes: [u8; 2]| {
        let [first, second] = bytes.map(MasterKey::known);
        KeyRing::new(first, vec![second]).unwrap()
    };
    let joined = KeyRing::join([ring([1, 2]), ring([3, 1])]).unwrap();
    let known = [1, 2, 3].map(|byte| MasterKey::known(byte).fingerprint());
    assert_eq!(joined.fingerprints(), known);
    assert!(matches!(
        KeyRing::join([]).unwrap_err(),
        KeyRingError::Empty
    ));
    let rings = (0..9).map(|n| ring([2 * n, 2 * n + 1]));
    assert!(matches!(
        KeyRing::join(rings).unwrap_err(),
        KeyRingError::TooMany { .. }
    ));
    let kept = joined.retain(|print| *print != known[0]).unwrap();
    assert_eq!(kept.fingerprints(), known[1..]);
    assert!(joined.retain(|_| false).is_none());
}

#[test]
fn what_replaces_a_key_is_known_as_long_as_it_is_held() {
    let [old, new] = [1, 2].map(MasterKey::known);
    let prints = [old.fingerprint(), new.fingerprint()];
    let ring = KeyRing::new(old, vec![new]).unwrap();
    assert_eq!(ring.replacement_of(&prints[0]), None);
    let other = KeyRing::new(MasterKey::known(3), vec![]).unwrap();
    let joined = KeyRing::join([other, ring.replacing(prints[0], prints[1])]).unwrap();
    assert_eq!(joined.replacement_of(&prints[0]), Some(prints[1]));
    assert_eq!(joined.replacement_of(&prints[1]), None);
    let without = joined.retain(|print| *print != prints[1]).unwrap();
    assert_eq!(without.replacement_of(&prints[0]), None);
}

#[test]
fn a_ring_has_a_limit() {
    let others = |count: u8| (1..=count).map(MasterKey::known).collect();
    assert!(KeyRing::new(MasterKey::known(0), others(15)).is_ok());
    let error = KeyRing::new(MasterKey::known(0), others(16)).unwrap_err();
    assert!(matches!(
        error,
        KeyRingError::TooMany { found: 17, max: 16 }
    ));
}

#[test]
fn a_missing_key_is_named_beside_those_present_and_how_to_provide_it() {
    let ring = KeyRing::new(MasterKey::known(1), vec![MasterKey::known(2)]).unwrap();
    let wanted = MasterKey::known(3).fingerprint();
    let [first, second] = ring.fingerprints()[..] else {
        unreachable!()
    };
    assert_eq!(
        ring.find(&wanted).unwrap_err().to_string(),
        format!(
            "this data was sealed with master key {wanted}; present: {first}, {second}; \
             provide it with KEYLEASE_MASTER_KEY_FILE or KEYLEASE_MASTER_KEY_DIR, or its passphrase with KEYLEASE_PASSPHRASE_FILE"
        )
    );
}
