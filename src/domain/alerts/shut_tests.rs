//! Pools whose provider fails for everybody.

use std::collections::HashSet;

use super::super::Kind;
use super::super::example::{at, of_pools, opened, pool, told};
use super::super::view::PoolFact;
use super::conditions;

#[test]
fn a_pool_whose_provider_fails_is_exhausted_until_then_and_through_its_trials() {
    let shut = |seconds| {
        of_pools(vec![PoolFact {
            shut: 2,
            dead: 0,
            healthy_min: Some(2),
            serves_at: Some(at(seconds)),
            ..pool(2, 0)
        }])
    };
    assert_eq!(told(&shut(9), &HashSet::new()).0, []);
    let long = shut(120);
    assert_eq!(told(&long, &HashSet::new()).0, [Kind::PoolExhausted]);
    let condition = conditions(&long, &HashSet::new(), at(0))
        .remove(0)
        .condition;
    assert_eq!(condition.until, Some(at(120)));
    let text = "of 2 keys 2 of a provider that fails; the first may at";
    assert!(condition.summary.contains(text), "{}", condition.summary);
    // Its trial is out: nothing is over, and nothing new.
    assert_eq!(told(&shut(0), &opened(&long)).1, [Kind::PoolExhausted]);
    assert_eq!(told(&shut(0), &HashSet::new()).0, []);
}
