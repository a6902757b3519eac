use proptest::prelude::*;

use super::super::conditions::conditions;
use super::super::example::{at, died, key, of_keys, opened};
use super::*;

#[test]
fn many_dead_keys_of_an_account_are_one_alert_until_none_is_dead() {
    let dead = |count| {
        let keys = (0..count).map(|n| key("a", &format!("k{n}"), died()));
        of_keys(keys.collect())
    };
    let single = opened(&dead(SINGLES_MAX));
    assert_eq!(single.len(), SINGLES_MAX);
    let many = conditions(&dead(100_000), &single, at(0));
    let opening: Vec<_> = many.iter().filter(|found| found.opens).collect();
    assert_eq!(opening.len(), 1);
    let group = &opening[0].condition;
    assert_eq!(group.name.resource, "accounts/a");
    assert!(
        group
            .summary
            .starts_with("100000 keys of accounts/a are dead, such as accounts/a/keys/k0")
    );
    // Those that were open are neither over nor told again.
    assert_eq!(many.len(), SINGLES_MAX + 1);
    let one_left = conditions(&dead(1), &HashSet::from([group.name.clone()]), at(0));
    assert_eq!(one_left.len(), 1);
    assert_eq!(one_left[0].condition.name, group.name);
    assert_eq!(
        conditions(&dead(0), &HashSet::from([group.name.clone()]), at(0)),
        []
    );
}

proptest! {
    /// Whatever is so: what holds is told by its own name, its account's or the vault's; a kind has a bounded number of alerts; and what is
    /// open is not over while something under it holds.
    #[test]
    fn everything_is_told_once_and_in_bounds(
        keys in proptest::collection::vec((0_u8..40, 0_u8..30), 0..200),
        before in proptest::collection::vec((0_u8..40, 0_u8..30), 0..200),
    ) {
        let view = |keys: &[(u8, u8)]| {
            let unique: BTreeMap<_, _> = keys.iter().map(|k| (*k, ())).collect();
            let facts = unique.keys().map(|(a, k)| key(&format!("a{a}"), &format!("k{k}"), died()));
            of_keys(facts.collect())
        };
        let open = opened(&view(&before));
        let now = view(&keys);
        let found = conditions(&now, &open, at(0));
        let opening: HashSet<&str> = found
            .iter()
            .filter(|found| found.opens)
            .map(|found| found.condition.name.resource.as_str())
            .collect();
        prop_assert!(opening.len() <= KIND_MAX);
        let names: HashSet<_> = found.iter().map(|found| &found.condition.name).collect();
        prop_assert_eq!(names.len(), found.len());
        for fact in &now.keys {
            let own = fact.version_name().to_string();
            let account = format!("accounts/{}", fact.key.account);
            let tellers = [own.as_str(), account.as_str(), VAULT];
            prop_assert_eq!(tellers.iter().filter(|name| opening.contains(**name)).count(), 1);
            for name in &open {
                let still = tellers.contains(&name.resource.as_str());
                prop_assert!(!still || names.contains(name), "{:?} is over", name);
            }
        }
    }
}
