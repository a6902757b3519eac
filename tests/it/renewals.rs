//! Leases that go on, and what cannot.

use std::time::{Duration, Instant};

use keylease::proto::{DeleteLimitRequest, LeaseKeyRequest, Limit, LimitMode, RenewLeaseRequest};
use tonic::Code;

use crate::concurrency::{SECOND, concurrency, is_full, lasting, limited_by, tell};
use crate::harness::client::Client;
use crate::harness::cluster::Cluster;
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, duration, requests, span};
use crate::report_ids::forged;

pub(crate) async fn renew(
    caller: &Client,
    lease_id: &str,
    longer: Option<Duration>,
) -> Result<Duration, Refusal> {
    let request = RenewLeaseRequest {
        lease_id: lease_id.to_owned(),
        lease_duration: longer.map(span),
    };
    let answer = caller.leases.clone().renew_lease(request).await;
    let answer = answer.map_err(|status| Refusal::of(&status))?.into_inner();
    Ok(duration(answer.report_within))
}

#[tokio::test]
async fn a_renewed_lease_holds_its_permit_and_can_be_reported_later() {
    let (_cluster, callers) = limited_by(concurrency(1, 4 * SECOND), 2).await;
    for renewer in &callers {
        let lease = callers[0].ask(lasting(2 * SECOND)).await.unwrap();
        let longer = renew(renewer, &lease.lease_id, Some(60 * SECOND)).await;
        assert_eq!(longer, Ok(4 * SECOND));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        for caller in &callers {
            is_full(caller).await;
        }
        // Once more, and by any replica.
        assert_eq!(
            renew(&callers[1], &lease.lease_id, None).await,
            Ok(2 * SECOND)
        );
        tell(&callers[0], &lease).await.unwrap();
        let next = callers[1].ask(lasting(2 * SECOND)).await.unwrap();
        is_full(&callers[0]).await;
        tell(&callers[1], &next).await.unwrap();
    }
}

#[tokio::test]
async fn a_lease_of_a_limit_that_is_new_holds_its_permit_though_it_is_renewed_where_nobody_knows_that()
 {
    let (cluster, callers) = limited_by(requests(1_000, MINUTE), 2).await;
    let admin = cluster.admin().await;
    admin.create_limit("a", concurrency(1, 4 * SECOND)).await;
    let lease = callers[0].ask(lasting(4 * SECOND)).await.unwrap();
    renew(&callers[1], &lease.lease_id, None).await.unwrap();
    let until = Instant::now() + 2 * SECOND;
    while Instant::now() < until {
        is_full(&callers[0]).await;
    }
}

#[tokio::test]
async fn a_lease_ends_no_sooner_for_being_renewed_for_less_than_is_left() {
    let (_cluster, callers) = limited_by(concurrency(1, 4 * SECOND), 2).await;
    for renewer in &callers {
        let asked = Instant::now();
        let lease = callers[0].ask(lasting(4 * SECOND)).await.unwrap();
        let longer = renew(renewer, &lease.lease_id, Some(SECOND)).await.unwrap();
        // What is left, by the clock of whoever answers.
        assert!(longer > 2 * SECOND && longer < 5 * SECOND, "{longer:?}");
        while asked.elapsed() < Duration::from_millis(3_500) {
            for caller in &callers {
                is_full(caller).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tell(&callers[0], &lease).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_go_on_is_refused_and_stays_as_it_was() {
    let (cluster, callers) = limited_by(concurrency(1, 30 * SECOND), 1).await;
    let caller = &callers[0];
    let lease = caller.ask(lasting(30 * SECOND)).await.unwrap();
    let id = &lease.lease_id;
    for forged in forged(id).await {
        let no = renew(caller, &forged, None).await.unwrap_err();
        let no = no.is(Code::InvalidArgument, "LEASE_ID_INVALID");
        assert_eq!(no.fields, ["lease_id"], "{forged}");
    }
    is_full(caller).await;
    for (id, longer) in [
        ("", None),
        (id.as_str(), Some(Duration::ZERO)),
        (id.as_str(), Some(Duration::from_hours(25))),
    ] {
        let no = renew(caller, id, longer).await.unwrap_err();
        no.is(Code::InvalidArgument, "FIELD_INVALID");
    }
    let admin = cluster.admin().await;
    let no = renew(&admin, id, None).await.unwrap_err();
    no.is(Code::PermissionDenied, "LEASE_FOREIGN");
    tell(caller, &lease).await.unwrap();
    let no = renew(caller, id, None).await.unwrap_err();
    no.is(Code::FailedPrecondition, "LEASE_FINISHED");
    let silent = caller.ask(lasting(SECOND)).await.unwrap();
    is_full(caller).await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let no = renew(caller, &silent.lease_id, None).await.unwrap_err();
    no.is(Code::FailedPrecondition, "LEASE_EXPIRED");
    caller.lease("p").await;
    is_full(caller).await;
}

#[tokio::test]
async fn leases_of_accounts_without_such_limits_go_on_too() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.ask(lasting(SECOND)).await.unwrap();
    let longer = renew(&caller, &lease.lease_id, Some(60 * SECOND)).await;
    assert_eq!(longer, Ok(60 * SECOND));
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    tell(&caller, &lease).await.unwrap();
}

/// A shadow keeps nobody from anything, however long its permits would be held.
#[tokio::test]
async fn a_shadow_lets_every_lease_go_on() {
    let shadow = Limit {
        mode: LimitMode::Shadow.into(),
        ..concurrency(1, SECOND)
    };
    let (_cluster, callers) = limited_by(shadow, 1).await;
    let lease = callers[0].ask(lasting(30 * SECOND)).await.unwrap();
    let soon = renew(&callers[0], &lease.lease_id, None).await.unwrap();
    assert_eq!(soon, 30 * SECOND);
    let lease = callers[0].ask(lasting(30 * SECOND)).await.unwrap();
    tokio::time::sleep(5 * SECOND / 2).await;
    let late = renew(&callers[0], &lease.lease_id, None).await.unwrap();
    assert_eq!(late, 30 * SECOND);
}

/// Deletes the limit of the account `a` that allows so much, and waits until all have heard of it.
async fn delete_limit(cluster: &Cluster, amount: i64) {
    let request = DeleteLimitRequest {
        name: format!("accounts/a/limits/l{amount}"),
        ..Default::default()
    };
    let admin = cluster.admin().await;
    admin.admin.clone().delete_limit(request).await.unwrap();
    cluster.settled().await;
}

async fn goes_on_no_longer(caller: &Client, lease_id: &str, reason: &str) {
    let no = renew(caller, lease_id, None).await.unwrap_err();
    no.is(Code::FailedPrecondition, reason);
}

/// Whoever renews it may not have heard of that limit yet.
#[tokio::test]
async fn a_lease_that_a_newer_limit_does_not_count_goes_on_to_its_end_and_no_longer() {
    let (cluster, callers) = limited_by(concurrency(2, 60 * SECOND), 2).await;
    let lease = callers[0].ask(lasting(60 * SECOND)).await.unwrap();
    delete_limit(&cluster, 2).await;
    for caller in &callers {
        renew(caller, &lease.lease_id, None).await.unwrap();
    }
    let admin = cluster.admin().await;
    admin.create_limit("a", concurrency(1, 60 * SECOND)).await;
    for caller in &callers {
        goes_on_no_longer(caller, &lease.lease_id, "LEASE_SPENT").await;
    }
    cluster.settled().await;
    let next = callers[0].ask(lasting(60 * SECOND)).await.unwrap();
    for caller in &callers {
        goes_on_no_longer(caller, &lease.lease_id, "LEASE_SPENT").await;
        renew(caller, &next.lease_id, None).await.unwrap();
        is_full(caller).await;
    }
    tell(&callers[0], &lease).await.unwrap();
    is_full(&callers[0]).await;
}

#[tokio::test]
async fn a_lease_goes_on_beside_limits_that_only_count_or_count_other_models() {
    let (cluster, callers) = limited_by(requests(1_000, MINUTE), 1).await;
    let of_model = LeaseKeyRequest {
        model: "gpt-4o".to_owned(),
        ..lasting(60 * SECOND)
    };
    let lease = callers[0].ask(of_model).await.unwrap();
    let admin = cluster.admin().await;
    let of = |amount, pattern: &str| Limit {
        models: vec![pattern.to_owned()],
        ..concurrency(amount, 60 * SECOND)
    };
    let shadow = Limit {
        mode: LimitMode::Shadow.into(),
        ..concurrency(1, 60 * SECOND)
    };
    for limit in [shadow, of(2, "o1*")] {
        admin.create_limit("a", limit).await;
        renew(&callers[0], &lease.lease_id, None).await.unwrap();
    }
    admin.create_limit("a", of(3, "gpt-4*")).await;
    goes_on_no_longer(&callers[0], &lease.lease_id, "LEASE_SPENT").await;
}

/// The charge that it had in the limit has ended meanwhile.
#[tokio::test]
async fn a_lease_that_was_renewed_while_its_limit_was_deleted_is_not_renewed_under_it() {
    let (cluster, callers) = limited_by(concurrency(1, 2 * SECOND), 2).await;
    let lease = callers[0].ask(lasting(2 * SECOND)).await.unwrap();
    delete_limit(&cluster, 1).await;
    let longer = renew(&callers[1], &lease.lease_id, Some(60 * SECOND)).await;
    assert_eq!(longer, Ok(60 * SECOND));
    tokio::time::sleep(3 * SECOND).await;
    let admin = cluster.admin().await;
    admin.create_limit("a", concurrency(1, 2 * SECOND)).await;
    cluster.settled().await;
    callers[0].ask(lasting(2 * SECOND)).await.unwrap();
    for caller in &callers {
        goes_on_no_longer(caller, &lease.lease_id, "LEASE_FINISHED").await;
    }
}
