//! What a pool may look like, and every way in which it may not.

use super::*;
use uuid::Uuid;

fn faults_of(targets: &[&str]) -> Vec<String> {
    let names: Vec<_> = targets
        .iter()
        .map(|target| TargetName::parse("t", target).unwrap())
        .collect();
    let mut errors = FieldErrors::default();
    refuse_duplicates(&mut errors, names.iter().enumerate());
    errors.into_vec().into_iter().map(|e| e.field).collect()
}

#[test]
fn a_target_twice_is_refused_at_its_second_mention() {
    assert_eq!(
        faults_of(&["accounts/a", "accounts/b", "accounts/a"]),
        ["pool.members[2].target"]
    );
    assert_eq!(
        faults_of(&[
            "accounts/a/keys/k",
            "accounts/b/keys/k",
            "accounts/a/keys/k"
        ]),
        ["pool.members[2].target"]
    );
}

#[test]
fn a_key_beside_its_account_is_refused_in_either_order() {
    assert_eq!(
        faults_of(&["accounts/a", "accounts/a/keys/k"]),
        ["pool.members[1].target"]
    );
    assert_eq!(
        faults_of(&["accounts/a/keys/k", "accounts/a"]),
        ["pool.members[0].target"]
    );
    assert!(faults_of(&["accounts/a/keys/k", "accounts/b"]).is_empty());
}

#[test]
fn too_many_members_are_refused_by_their_number() {
    assert!(check_member_count("members", MEMBERS_MAX).is_ok());
    let fault = check_member_count("members", 1_000_000).unwrap_err();
    assert!(fault.message.contains("at most 1000"), "{}", fault.message);
}

#[test]
fn tier_and_weight_have_bounds_and_zero_means_one() {
    let mut errors = FieldErrors::default();
    let member = MemberDraft::parse(&mut errors, "members[0]", "accounts/a", 0, 0).unwrap();
    assert_eq!((member.tier, member.weight), (1, 1));
    for (tier, weight) in [(-1, 1), (101, 1), (1, -1), (1, 1_001), (i32::MIN, i32::MAX)] {
        let mut errors = FieldErrors::default();
        let member = MemberDraft::parse(&mut errors, "m", "accounts/a", tier, weight);
        assert_eq!(member, None, "{tier} {weight}");
    }
}

#[test]
fn every_missing_target_is_named_by_its_index() {
    let mut errors = FieldErrors::default();
    let drafts: Vec<_> = ["accounts/a", "accounts/b", "accounts/c/keys/k"]
        .iter()
        .filter_map(|t| MemberDraft::parse(&mut errors, "m", t, 2, 3))
        .collect();
    let there = Target::Account(Uuid::from_u128(1));
    let missing = resolve(&drafts, |name| {
        (name.to_string() == "accounts/b").then_some(there)
    })
    .unwrap_err();
    let fields: Vec<_> = missing.into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["pool.members[0].target", "pool.members[2].target"]);
    let members = resolve(&drafts, |_| Some(there)).unwrap();
    assert_eq!(members.len(), 3);
    assert_eq!((members[0].tier, members[0].weight), (2, 3));
}
