//! A caller who lies about a provider: what it says of all keys closes nothing for those who do well.

use std::time::Duration;

use keylease::proto::IncidentKind;

use crate::harness::client::of;
use crate::harness::cluster::eventually;
use crate::harness::crowd::{Crowd, leases, report_all};
use crate::harness::outcomes::{http, success};

#[tokio::test]
async fn hundreds_of_lies_close_nothing_for_whoever_does_well() {
    let crowd = Crowd::of(2, 1).await;
    let (honest, liar) = (crowd.caller(0, 0).await, crowd.caller(1, 0).await);
    for _ in 0..20 {
        let lease = honest.lease("p").await;
        honest.report(&lease, success()).await;
        let lies = leases(&liar, 10).await;
        report_all(&liar, &lies, &http(503, &[("retry-after", "86400")])).await;
    }
    assert_eq!(crowd.incidents(0).await, []);
    assert_eq!(crowd.admin.status("p").await.keys_serving, 5);
}

#[tokio::test]
async fn lies_at_another_replica_stop_nobody_and_end_by_the_next_success() {
    let crowd = Crowd::of(2, 2).await;
    let (honest, liar) = (crowd.caller(0, 0).await, crowd.caller(1, 1).await);
    let lease = honest.lease("p").await;
    honest.report(&lease, success()).await;
    let lies = leases(&liar, 12).await;
    report_all(&liar, &lies, &http(503, &[])).await;
    // It fooled its own replica, on which nobody else is.
    assert!(liar.ask(of("p")).await.is_err());
    crowd.cluster.settled().await;
    // The other one goes on without a stop, and its first success that could have been a trial ends it for both.
    let ended = async || {
        let lease = honest.ask(of("p")).await.unwrap();
        honest.report(&lease, success()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        liar.ask(of("p")).await.is_ok()
    };
    eventually("the lie is over", ended).await;
    assert_eq!(crowd.incident(IncidentKind::Breaker).await, None);
}

#[tokio::test]
async fn a_caller_who_is_alone_opens_it_with_several_keys_and_not_with_one() {
    let crowd = Crowd::of(1, 1).await;
    crowd.admin.create_pool("one", &["a"]).await;
    let caller = crowd.caller(0, 0).await;
    for _ in 0..30 {
        let lease = caller.lease("one").await;
        caller.report(&lease, http(503, &[])).await;
    }
    assert_eq!(crowd.incidents(0).await, []);
    let all = leases(&caller, 10).await;
    report_all(&caller, &all, &http(503, &[])).await;
    let incident = crowd.incident(IncidentKind::Breaker).await.unwrap();
    assert!(incident.why.contains("1 caller"), "{}", incident.why);
}
