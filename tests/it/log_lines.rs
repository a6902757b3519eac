//! What the log tells of verdicts, and what it tells to whoever looks closer.

use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::http;
use crate::harness::setup::{MINUTE, requests};

#[tokio::test]
async fn what_a_verdict_takes_out_is_logged_by_name_with_its_reason_and_its_end() {
    let cluster = Cluster::logging(1, "keylease=debug").await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_limit("a", requests(1, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    admin.create_pool("q", &["b"]).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    let lease = caller.lease("q").await;
    let limited = [("retry-after", "60")];
    caller.report(&lease, http(429, &limited)).await;
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    let refused = caller.refused(of("p")).await;
    refused.is(Code::ResourceExhausted, "KEYS_DEAD");
    let replica = &cluster.replicas[0];
    let line = |parts: &[&str]| {
        let said = replica.said();
        let mut lines = said.lines();
        lines.any(|line| parts.iter().all(|part| line.contains(part)))
    };
    for parts in [
        [
            "INFO",
            "a key is accused by one caller",
            "accounts/a/keys/k",
            "http 401",
            "until",
        ],
        [
            "INFO",
            "an account cools down",
            "accounts/b",
            "http 429",
            "until",
        ],
        [
            "DEBUG",
            "a lease is refused",
            "ERROR_REASON_KEYS_DEAD",
            "\"p\"",
            "",
        ],
        [
            "DEBUG",
            "a reserve of permits is answered",
            "granted",
            "",
            "",
        ],
        ["DEBUG", "what changed is taken up", "rev", "", ""],
    ] {
        eventually(parts[1], async || line(&parts)).await;
    }
    assert!(!replica.said().contains("sk-a"));
}
