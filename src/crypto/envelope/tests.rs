//! The envelope at work, and its known answers.

use super::*;

mod forgeries;

const UID: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn context(allowed_hosts: &[String]) -> SealContext<'_> {
    SealContext {
        key_uid: UID,
        version: 1,
        field: "api_key",
        allowed_hosts,
    }
}

fn ring(promoted: u8, others: &[u8]) -> KeyRing {
    KeyRing::new(
        MasterKey::known(promoted),
        others.iter().copied().map(MasterKey::known).collect(),
    )
    .unwrap()
}

/// Sealed by the first key of a ring.
fn seal(
    ring: &KeyRing,
    context: &SealContext<'_>,
    secret: &Secret,
) -> Result<Sealed, EnvelopeError> {
    super::seal(ring.first(), context, secret)
}

/// Rewrapped to the first key of a ring.
fn rewrap(
    ring: &KeyRing,
    context: &SealContext<'_>,
    sealed: &Sealed,
) -> Result<Sealed, EnvelopeError> {
    super::rewrap(ring, ring.first(), context, sealed)
}

fn refused(context: &SealContext<'_>, sealed: &Sealed) -> bool {
    matches!(
        open(&ring(1, &[2]), context, sealed),
        Err(EnvelopeError::DoesNotOpen)
    )
}

#[test]
fn a_secret_comes_back_with_its_hosts_in_any_order() {
    let (sealed_for, opened_for) = (
        hosts(&["b.com", "a.com", "a.com"]),
        hosts(&["a.com", "b.com"]),
    );
    let sealed = seal(
        &ring(1, &[]),
        &context(&sealed_for),
        &Secret::new(b"sk-1".to_vec()),
    )
    .unwrap();
    let secret = open(&ring(2, &[1]), &context(&opened_for), &sealed).unwrap();
    assert_eq!(secret.expose(), b"sk-1");
}

#[test]
fn sealing_twice_shares_no_bytes_that_would_show_equal_secrets() {
    let seal = || seal(&ring(1, &[]), &context(&[]), &Secret::new(b"sk-1".to_vec())).unwrap();
    let (first, second) = (seal(), seal());
    assert_ne!(first.ciphertext[1..33], second.ciphertext[1..33]);
    assert_ne!(first.wrapped_dek[1..33], second.wrapped_dek[1..33]);
    assert_ne!(first.ciphertext[45..], second.ciphertext[45..]);
}

#[test]
fn rewrapping_moves_the_wrap_alone_and_the_old_key_may_go() {
    let sealed = seal(&ring(1, &[]), &context(&[]), &Secret::new(b"sk-1".to_vec())).unwrap();
    let moved = rewrap(&ring(2, &[1]), &context(&[]), &sealed).unwrap();
    assert_eq!(moved.ciphertext, sealed.ciphertext);
    assert_eq!(moved.master_key, MasterKey::known(2).fingerprint());
    assert_eq!(
        open(&ring(2, &[]), &context(&[]), &moved).unwrap().expose(),
        b"sk-1"
    );
    assert_eq!(rewrap(&ring(2, &[]), &context(&[]), &moved).unwrap(), moved);
}

#[test]
fn secrets_up_to_the_limit_are_sealed_and_longer_ones_refused() {
    let longest = Secret::new(vec![7; PLAINTEXT_BYTES_MAX]);
    let sealed = seal(&ring(1, &[]), &context(&[]), &longest).unwrap();
    assert!(
        open(&ring(1, &[]), &context(&[]), &sealed)
            .unwrap()
            .matches(&longest)
    );
    let longer = Secret::new(vec![7; PLAINTEXT_BYTES_MAX + 1]);
    let error = seal(&ring(1, &[]), &context(&[]), &longer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secret has 65537 bytes, at most 65536 are allowed"
    );
    assert!(refused(
        &context(&[]),
        &Sealed {
            ciphertext: vec![1; PLAINTEXT_BYTES_MAX + 100],
            ..sealed
        }
    ));
}

#[test]
fn more_hosts_than_the_limit_are_refused() {
    let many = vec!["a".repeat(60); 257];
    let error = seal(&ring(1, &[]), &context(&many), &Secret::new(vec![1])).unwrap_err();
    assert!(matches!(
        error,
        EnvelopeError::ContextTooLong {
            found: 16_455,
            max: CONTEXT_BYTES_MAX
        }
    ));
}

#[test]
fn a_known_row_opens() {
    let allowed = hosts(&["api.openai.com", "eu.api.openai.com"]);
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let sealed = Sealed {
        master_key: "mk_005879815b6099ac".parse().unwrap(),
        wrapped_dek: unhex(
            "0133ca6704c9309cd5df54bae6ec40b72ca432ee88d8870f1c79e587cc8ab142fe77777777777777777777777729a884d66b0e0a5241aef43cb56bc329614a2fc99bad45a30df2ba1dbf1bec075ea87e648c4f8c686c11802234805208",
        ),
        ciphertext: unhex(
            "01733b3268742ebd2b83e4e095df97d2ced2bc8c44e4d8324e2959688c725b32ee888888888888888888888888f490e11bd0d236a21b22ac7c0a8b090ced0b4793675305c7",
        ),
    };
    assert_eq!(
        open(&ring(0x11, &[]), &context(&allowed), &sealed)
            .unwrap()
            .expose(),
        b"sk-known"
    );
}
