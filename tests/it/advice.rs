//! Another key is advised only where one can serve.

use std::time::Duration;

use keylease::proto::{Advice, AdviceAction};

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::http;
use crate::harness::setup::duration;

/// The pool `p`, which trusts its callers, of the accounts `a` and `b` with one key each, and a lessee.
async fn of_two() -> (Cluster, Client, Client) {
    let (cluster, admin, caller) = Cluster::serving(&["a", "b"], "p").await;
    admin.trust_callers("p").await;
    (cluster, admin, caller)
}

/// The same request later: when the first key, which is dead for a day, is well again.
fn is_in_a_day(advice: Advice) {
    assert_eq!(advice.action(), AdviceAction::RetrySameLater);
    assert!(advice.retry_token.is_empty());
    let after = duration(advice.after);
    assert!(after > Duration::from_hours(23), "{after:?}");
}

#[tokio::test]
async fn a_disabled_key_is_no_other_key() {
    let (cluster, admin, caller) = of_two().await;
    let lease = caller.lease("p").await;
    let other = ["accounts/a/keys/k", "accounts/b/keys/k"];
    let other = other.into_iter().find(|key| *key != lease.key).unwrap();
    admin.disable_key(other).await;
    cluster.settled().await;
    let verdict = caller.report(&lease, http(401, &[])).await;
    is_in_a_day(verdict.advice.unwrap());
    caller.refused(of("p")).await;
}

#[tokio::test]
async fn a_dead_key_is_no_other_key_and_a_cooling_one_is_there_when_it_clears() {
    let (_cluster, _admin, caller) = of_two().await;
    let (first, second) = (caller.lease("p").await, caller.lease("p").await);
    assert_ne!(first.key, second.key);
    let verdict = caller.report(&first, http(401, &[])).await;
    let advice = verdict.advice.unwrap();
    assert_eq!(advice.action(), AdviceAction::RetryOtherKey);
    // All keys of the pool at once: the provider may be to blame, and a canary finds out soon.
    let verdict = caller.report(&second, http(401, &[])).await;
    let advice = verdict.advice.unwrap();
    assert_eq!(advice.action(), AdviceAction::RetrySameLater);
    let after = duration(advice.after);
    assert!(after <= Duration::from_mins(1) && after > Duration::from_secs(30));

    let (_cluster, _admin, caller) = of_two().await;
    let (first, second) = (caller.lease("p").await, caller.lease("p").await);
    caller
        .report(&first, http(429, &[("retry-after", "60")]))
        .await;
    let verdict = caller.report(&second, http(401, &[])).await;
    let advice = verdict.advice.unwrap();
    assert_eq!(advice.action(), AdviceAction::RetrySameLater);
    let after = duration(advice.after);
    assert!(after <= Duration::from_secs(90) && after > Duration::from_secs(30));
}
