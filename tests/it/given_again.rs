//! A lease that was given again may be used, whatever was said of it before: what it alone has the right to is kept for it.

use std::time::{Duration, Instant};

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse};
use tokio::time::sleep;

use crate::concurrency::{SECOND, concurrency, is_full, lasting, limited_by};
use crate::harness::client::{Client, reporting};
use crate::harness::outcomes::not_sent;
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::setup::span;
use crate::renewals::renew;
use crate::rotation_drains::{NEW, OLD, is_kept, is_revoked_in_time, rotate};

/// Asks twice, and says that the first answer was not used, which may have been on its way for long.
async fn given_again(caller: &Client, lasts: Duration) -> LeaseKeyResponse {
    let request = LeaseKeyRequest {
        request_id: "r".to_owned(),
        ..lasting(lasts)
    };
    let lease = caller.ask(request.clone()).await.unwrap();
    let again = caller.ask(request).await.unwrap();
    assert_eq!(again.lease_id, lease.lease_id);
    let report = reporting(&lease, vec![not_sent()]);
    caller.tell(report).await.unwrap();
    again
}

#[tokio::test]
async fn it_goes_on_at_any_replica_and_holds_its_permit() {
    for renewer in 0..2 {
        let (_cluster, callers) = limited_by(concurrency(1, 4 * SECOND), 2).await;
        let lease = given_again(&callers[0], 4 * SECOND).await;
        let goes_on = renew(&callers[renewer], &lease.lease_id, None).await;
        goes_on.unwrap();
        let until = Instant::now() + 2 * SECOND;
        while Instant::now() < until {
            for caller in &callers {
                is_full(caller).await;
            }
        }
        let next = LeaseKeyRequest {
            max_wait: Some(span(10 * SECOND)),
            ..lasting(2 * SECOND)
        };
        callers[0].ask(next).await.unwrap();
    }
}

#[tokio::test]
async fn it_keeps_its_version_until_its_time_is_over() {
    let probed = Probed::start(1, OLD, false).await;
    given_again(&probed.caller, 16 * SECOND).await;
    rotate(&probed, NEW).await;
    sleep(A_WHILE * 2).await;
    assert!(is_kept(&probed).await);
    is_revoked_in_time(&probed).await;
}
