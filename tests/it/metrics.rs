//! /metrics of a server at work: every metric that the binary declares is there, with what happened.

use keylease::{
    metric_names,
    proto::{self, outcome},
};
use tonic::Code;

use crate::harness::observed::Observed;

#[tokio::test]
async fn metrics_tell_what_happened() {
    let server = Observed::start().await;
    server.import().await;
    let (first, second) = (
        server.lease(0).await.unwrap(),
        server.lease(5).await.unwrap(),
    );
    let refused = server.lease_of("accounts/b", 0).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let success = outcome::Result::Success(proto::Success::default());
    server.report(first, success).await;
    server
        .report(second, outcome::Result::NotSent(proto::NotSent {}))
        .await;

    for line in [
        r#"keylease_rpcs_total{method="LeaseKey",code="OK"} 2"#,
        r#"keylease_rpcs_total{method="LeaseKey",code="FAILED_PRECONDITION"} 1"#,
        r#"keylease_rpc_seconds_count{method="ReportOutcome"} 2"#,
        r#"keylease_leases_total{pool="p"} 2"#,
        r#"keylease_outcomes_total{pool="p",class="success"} 1"#,
        r#"keylease_outcomes_total{pool="p",class="not_sent"} 1"#,
        r#"keylease_upstream_seconds_bucket{pool="p",le="0.5"} 0"#,
        r#"keylease_upstream_seconds_bucket{pool="p",le="1"} 2"#,
        r#"keylease_units_granted_total{account="a",limit="requests"} 2"#,
        r#"keylease_lease_waiters{pool="p"} 0"#,
        r#"keylease_key_versions{account="a",health="active"} 1"#,
        r#"keylease_key_versions{account="a",health="dead"} 0"#,
    ] {
        server.shows(line).await;
    }
    for series in [
        r#"keylease_lease_refusals_total{pool="p",reason="ACCOUNT_NOT_IN_POOL"}"#,
        r#"keylease_units_returned_total{account="a",limit="requests"}"#,
    ] {
        server.shows_some(series).await;
    }

    let page = server.page().await;
    for metric in metric_names::ALL {
        let has_value = page.lines().any(|line| line.starts_with(metric.name));
        assert!(has_value, "{} has no value", metric.name);
    }
    assert!(page.contains("keylease_block_reserves_total{result=\"granted\"}"));
    assert!(page.contains("keylease_database_connections{state=\"idle\"}"));
}

#[tokio::test]
async fn how_full_a_limit_is_can_be_seen_before_it_refuses() {
    let server = Observed::start().await;
    server.import().await;
    server.lease(0).await.unwrap();
    server
        .shows(r#"keylease_limit_units{account="a",limit="requests",mode="enforce"} 2"#)
        .await;
    server
        .shows(r#"keylease_limit_units_charged{account="a",limit="requests",mode="enforce"} 1"#)
        .await;
}

#[tokio::test]
async fn calls_that_wait_are_counted_while_they_wait() {
    let server = Observed::start().await;
    server.import().await;
    server.lease(5).await.unwrap();
    server.lease(5).await.unwrap();
    let waiting = server.lease(30);
    tokio::select! {
        _ = waiting => panic!("a third lease came before the minute was over"),
        () = server.shows(r#"keylease_lease_waiters{pool="p"} 1"#) => {}
    }
    server.shows(r#"keylease_lease_waiters{pool="p"} 0"#).await;
}
