//! Tests of `unserved.rs`.

use std::time::Duration;

use crate::domain::health::{Cause, FailureClass};
use crate::domain::models::ModelRules;
use crate::domain::prices::OperatorPrices;
use crate::live::choose::choose;
use crate::live::example::{NOW, account_uid, id, wish};
use crate::live::registry::Registry;

#[test]
fn only_an_account_that_was_tried_and_lacks_no_permits_is_past() {
    let mut registry = Registry::default();
    for account in 1..5 {
        registry.add_account(account, 1, &ModelRules::default());
    }
    registry.add_limit(2, 100);
    registry.add_pool(1, &[(1, 1), (2, 1), (3, 2)]);
    let (snapshot, prices) = (registry.snapshot(), OperatorPrices::default());
    let live = |account: u64| &snapshot.accounts[&account_uid(account)].live;
    let cause = Cause {
        until: NOW.database.after(Duration::from_mins(5)),
        why: "429".to_owned(),
        class: FailureClass::RateLimit,
        accuser: None,
        tried: None,
        strikes: 0,
    };
    live(1).told("", cause, NOW.database);
    let pool = &snapshot.pools[&id("p1")];
    let unserved = choose(pool, &wish(None, &prices), NOW).unwrap_err();
    assert!(unserved.is_pending);
    let past: Vec<_> = (1..5)
        .map(|account| unserved.is_past(pool, live(account)))
        .collect();
    // It cools down; lacks permits; is of a tier that was not tried; is not in the pool.
    assert_eq!(past, [true, false, false, true]);
}
