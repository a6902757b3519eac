//! Canary secrets: provider keys and caller tokens that are looked for in everything the process emits, in every form they could have.

mod planted;

use planted::Planted;

use crate::harness::canary::check;
use crate::harness::postgres::Database;

#[tokio::test]
async fn nothing_that_the_process_emits_holds_a_key_or_a_token() {
    let mut planted = Planted::new().await;
    planted.store_keys().await;
    planted.cluster.settled().await;
    planted.be_refused_keys().await;
    planted.misplace().await;
    planted.misauthenticate().await;
    planted.report().await;
    planted.admin.status("p").await;
    planted.report_elsewhere().await;
    let secrets = planted.secrets.clone();
    for status in &planted.told {
        let shown = format!("{status:?}");
        check("a refusal", &shown, &secrets);
        let details = String::from_utf8_lossy(status.details()).into_owned();
        check("the details of a refusal", &details, &secrets);
    }
    check(
        "the database",
        &planted.cluster.database.dump().await,
        &secrets,
    );
    for replica in &planted.cluster.replicas {
        check("/metrics", &replica.metrics().await, &secrets);
    }
    for replica in &mut planted.cluster.replicas {
        assert!(replica.end("-TERM").await.status.success());
        let said = replica.said();
        // It did say what it could.
        assert!(said.contains("\"level\":\"TRACE\""), "{}", said.len());
        check("the log", &said, &secrets);
    }
    check("the log of the database", &Database::server_log(), &secrets);
}
