//! A provider that cannot be reached: down where nobody reaches it, and well where others do.

use keylease::proto::TransportFailureKind::{Connect, Dns, Tls};
use keylease::proto::{HealthState, IncidentKind};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::crowd::{Crowd, first_lease, leases, report_all};
use crate::harness::outcomes::{success, transport};

/// Two callers, with five keys, find nobody at the other end.
#[tokio::test]
async fn a_provider_that_nobody_reaches_is_shut_and_tried_by_one_lease() {
    let crowd = Crowd::of(2, 1).await;
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 0).await];
    let kinds = [Connect, Dns, Tls];
    for caller in &callers {
        for (lease, kind) in leases(caller, 6).await.iter().zip(kinds.iter().cycle()) {
            let verdict = caller.report(lease, transport(*kind)).await;
            assert_eq!(verdict.health.unwrap().state(), HealthState::Active);
        }
    }
    let shut = crowd.incident(IncidentKind::Breaker).await.unwrap();
    assert!(shut.why.contains("no connection"), "{}", shut.why);
    assert_eq!(crowd.incident(IncidentKind::Egress).await, None);
    let refused = callers[0].refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "PROVIDER");
    // A trial that finds nobody either shuts it again, and one that does opens it.
    let (whose, trial) = first_lease(&callers).await;
    callers[whose].report(&trial, transport(Connect)).await;
    let refused = callers[0].refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "PROVIDER");
    let (whose, trial) = first_lease(&callers).await;
    callers[whose].report(&trial, success()).await;
    callers[0].lease("p").await;
}

#[tokio::test]
async fn a_caller_who_reaches_nobody_shuts_out_nobody_who_does() {
    let crowd = Crowd::of(2, 1).await;
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 0).await];
    let well = callers[1].lease("p").await;
    callers[1].report(&well, success()).await;
    let all = leases(&callers[0], 20).await;
    report_all(&callers[0], &all, &transport(Connect)).await;
    assert_eq!(crowd.incidents(0).await, []);
    callers[0].lease("p").await;
}
