//! A key that several things keep from serving is told under the one that clears last: whoever comes back sooner would hear the next.

use std::time::Duration;

use keylease::proto::{HealthPolicy, RefusalReason};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::judged::{judged_by, trusting};
use crate::harness::outcomes::http;

#[tokio::test]
async fn a_dead_key_of_an_account_that_cools_for_seconds_is_told_as_dead() {
    let (_cluster, _admin, caller) = judged_by(trusting()).await;
    let (first, second) = (caller.lease("p").await, caller.lease("p").await);
    caller.report(&first, http(401, &[])).await;
    caller
        .report(&second, http(429, &[("retry-after", "5")]))
        .await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_DEAD");
    assert_eq!(refused.count(RefusalReason::Dead), 1);
    assert_eq!(refused.total(), 1);
    assert!(refused.retry.unwrap() > Duration::from_hours(23));
    let told = &refused.lease.unwrap().refused[0];
    assert_eq!(told.resource, "accounts/a/keys/k");
}

#[tokio::test]
async fn what_only_a_person_ends_is_told_before_what_ends_by_itself() {
    let (_cluster, admin, caller) = judged_by(HealthPolicy::default()).await;
    let lease = caller.lease("p").await;
    caller
        .report(&lease, http(429, &[("retry-after", "3600")]))
        .await;
    admin.disable_key("accounts/a/keys/k").await;
    let refused = caller.refused(of("p")).await;
    let refused = refused.is(Code::FailedPrecondition, "POOL_DISABLED");
    assert_eq!((refused.retry, refused.total()), (None, 1));
}
