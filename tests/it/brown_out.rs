//! A provider that fails some of what it is asked, and a way to it that is barred or throttled: for a minute, and no key is blamed.

use std::time::{Duration, Instant};

use keylease::proto::{HealthState, IncidentKind, Outcome, PoolStatus, TransportFailureKind};

use crate::harness::client::{Client, of};
use crate::harness::crowd::Crowd;
use crate::harness::outcomes::{http, success, transport};

/// How long it goes on: as long as is promised.
const LASTS: Duration = Duration::from_mins(1);

/// A caller that uses the pool all the time: `next` says what it meets. Every lease must be given. Answers how many were.
async fn busy(caller: Client, mut next: impl FnMut(u64) -> Outcome) -> u64 {
    let (began, mut uses) = (Instant::now(), 0);
    while began.elapsed() < LASTS {
        let lease = caller.ask(of("p")).await.unwrap();
        caller.report(&lease, next(uses)).await;
        uses += 1;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    uses
}

/// Three in ten, as chance would have it: runs of bad luck included.
fn is_unlucky(random: &mut u64) -> bool {
    *random = random
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*random >> 33) % 10 < 3
}

fn no_key_is_blamed(status: &PoolStatus) {
    assert_eq!(status.keys_serving, 5, "{status:?}");
    for key in &status.keys {
        let health = key.versions[0].health.as_ref().unwrap();
        assert_eq!(
            health.state(),
            HealthState::Active,
            "{}: {health:?}",
            key.key
        );
    }
}

#[tokio::test]
async fn thirty_percent_503_for_a_minute_kill_no_key_and_shut_no_provider() {
    let crowd = Crowd::of(2, 2).await;
    let mut callers = Vec::new();
    for (caller, replica) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let mut random = 7 + 4 * caller as u64 + replica as u64;
        let next = move |_| {
            if is_unlucky(&mut random) {
                http(503, &[])
            } else {
                success()
            }
        };
        callers.push(tokio::spawn(busy(
            crowd.caller(caller, replica).await,
            next,
        )));
    }
    let mut uses = 0;
    for caller in callers {
        uses += caller.await.unwrap();
    }
    assert!(uses > 500, "{uses} uses are no brown-out");
    no_key_is_blamed(&crowd.admin.status("p").await);
    assert_eq!(crowd.incidents(0).await, []);
    assert_eq!(crowd.incidents(1).await, []);
}

/// What stands in the way may say nothing at all.
#[tokio::test]
async fn a_way_that_answers_a_bare_403_for_a_minute_kills_no_key_and_is_told() {
    let crowd = Crowd::of(2, 1).await;
    let caller = tokio::spawn(busy(crowd.caller(0, 0).await, |_| http(403, &[])));
    tokio::time::sleep(LASTS / 2).await;
    let suspicion = crowd.incident(IncidentKind::Egress).await.unwrap();
    assert_eq!(suspicion.subject, "providers/api.openai.com");
    assert!(caller.await.unwrap() > 100);
    no_key_is_blamed(&crowd.admin.status("p").await);
    assert_eq!(crowd.incident(IncidentKind::Breaker).await, None);
}

#[tokio::test]
async fn a_throttled_way_for_a_minute_kills_no_key_and_is_told() {
    let crowd = Crowd::of(2, 1).await;
    let barred = |uses| match uses % 5 {
        0 => http(403, &[("cf-mitigated", "challenge")]),
        1 => transport(TransportFailureKind::Connect),
        2 => transport(TransportFailureKind::Dns),
        3 => http(403, &[]),
        _ => success(),
    };
    let throttled = |uses| {
        if uses % 3 == 0 {
            transport(TransportFailureKind::Tls)
        } else {
            success()
        }
    };
    let first = tokio::spawn(busy(crowd.caller(0, 0).await, barred));
    let second = tokio::spawn(busy(crowd.caller(1, 0).await, throttled));
    tokio::time::sleep(LASTS / 2).await;
    let suspicion = crowd.incident(IncidentKind::Egress).await.unwrap();
    assert_eq!(suspicion.subject, "providers/api.openai.com");
    assert!(first.await.unwrap() > 100);
    assert!(second.await.unwrap() > 100);
    no_key_is_blamed(&crowd.admin.status("p").await);
    assert_eq!(crowd.incident(IncidentKind::Breaker).await, None);
}
