//! What is known of the audit's chains as a whole: a past that somebody made up, chains that are gone with all their rows, and replicas that
//! look at each other's.

use std::sync::Arc;
use std::time::Duration;

use keylease::crypto::BootId;
use keylease::vault::{AuditReport, AuditWatch, Vault, VaultKeys};

use crate::harness::audited::Audited;
use crate::harness::desk::Desk;
use crate::harness::process::texts;

/// Takes every record out of its chain, and removes the chains.
const UNCHAIN: &str =
    "update audit_records set writer = null, writer_sequence = null, previous = null, mac = null;
    delete from audit_chains";
/// As a release leaves a vault that knows of neither promotions nor chains.
const AS_EARLIER: &str = "delete from audit_standing;
    update cluster set promoted_master_key = null, promotion_number = null, promoted_mac = null";

/// Starts a replica again, and has it change something.
async fn start_and_change(audited: &mut Audited, account: &str) {
    audited.cluster.add().await;
    let admin = audited.cluster.admin().await;
    admin.create_account_and_key(account).await;
}

#[tokio::test]
async fn records_of_an_earlier_release_are_taken_over_once_and_said_to_be() {
    let mut audited = Audited::new().await;
    audited.cluster.replicas.clear();
    audited.edit(&format!("{UNCHAIN}; {AS_EARLIER}")).await;
    start_and_change(&mut audited, "c").await;
    let (is_intact, report) = audited.verify(&[]);
    assert!(is_intact, "{report}");
    assert!(report["adopted"]["rows"].as_i64().unwrap() > 4, "{report}");
    let (said, _) = texts(&audited.audit(&["verify"]));
    assert!(
        said.contains("nothing vouches for what they were"),
        "{said}"
    );
    audited
        .edit("update audit_records set summary = 'x' where sequence = (select min(sequence) from audit_records)")
        .await;
    assert_eq!(audited.faults(), ["changed 1"]);
}

#[tokio::test]
async fn a_past_that_was_made_up_is_not_taken_over() {
    let mut audited = Audited::new().await;
    audited.cluster.replicas.clear();
    audited
        .edit("create table kept as select * from audit_standing")
        .await;
    for (account, removed, wanted) in [
        ("c", "select 1", "chains_missing"),
        ("d", "delete from audit_standing", "standing_changed"),
        (
            "e",
            "update audit_standing set begun_changes = 0, begun_leases = 0",
            "standing_changed",
        ),
    ] {
        let forge =
            "update audit_records set caller = 'callers/mallory' where method = 'CreateAccount'";
        audited
            .edit(&format!("{forge}; {UNCHAIN}; {removed}"))
            .await;
        start_and_change(&mut audited, account).await;
        let told = audited.faults();
        let has = |word: &str| told.iter().any(|fault| fault.starts_with(word));
        assert!(has("unchained") && has(wanted), "{removed}: {told:?}");
        audited.cluster.replicas.clear();
        let restore = "delete from audit_standing; insert into audit_standing select * from kept";
        audited.edit(restore).await;
    }
}

#[tokio::test]
async fn an_audit_that_was_emptied_is_told() {
    let audited = Audited::new().await;
    audited
        .edit("delete from audit_records; delete from audit_chains")
        .await;
    let told = audited.faults();
    assert!(told[0].starts_with("chains_missing 0"), "{told:?}");
    audited.edit("delete from audit_standing").await;
    assert_eq!(audited.faults(), ["standing_changed 0", "head_missing 0"]);
}

#[tokio::test]
async fn the_newest_chain_is_missed_when_it_goes_with_all_its_rows() {
    let mut audited = Audited::new().await;
    audited.cluster.replicas.clear();
    start_and_change(&mut audited, "c").await;
    let (writer, _) = audited.head("changes");
    audited.cluster.replicas.clear();
    audited.is_intact();
    // No later boot has noted it.
    audited
        .edit(&format!(
            "delete from audit_records where writer = '{writer}'; delete from audit_chains where writer = '{writer}'"
        ))
        .await;
    let told = audited.faults();
    let gone = |chain: &String| chain.starts_with("chains_missing");
    assert!(!told.is_empty() && told.iter().all(gone), "{told:?}");
}

fn words(report: &AuditReport) -> Vec<String> {
    let findings = report.findings.iter();
    findings
        .map(|finding| format!("{} {}", finding.fault, finding.sequence))
        .collect()
}

#[tokio::test]
async fn a_replica_notes_what_of_the_others_chains_has_gone_or_went_back() {
    let desk = Desk::with_key().await;
    let ring = (*desk.vault.keys().ring()).clone();
    let pool = desk.database.pool.clone();
    let keys = VaultKeys::open(&pool, ring).await.unwrap();
    let boot = BootId::generate().unwrap();
    let other = Vault::new(pool, Arc::new(keys), boot, Duration::from_mins(5));
    let other = Arc::new(other);
    other.begin_audit().await.unwrap();
    let mut watch = AuditWatch::default();
    desk.sql("create table heads as select * from audit_chains")
        .await;
    desk.create_account("b").await.unwrap();
    other.watch_audit(&mut watch).await.unwrap();
    let newest = "(select writer from audit_records order by sequence desc limit 1)";
    desk.sql(&format!(
        "update audit_chains c set head_sequence = h.head_sequence, head_hash = h.head_hash, head_mac = h.head_mac from heads h
            where h.writer = c.writer;
        delete from audit_records where writer = {newest} and sequence = (select max(sequence) from audit_records)"
    ))
    .await;
    // Rows and heads agree.
    assert!(other.verify_audit(&[]).await.unwrap().intact);
    let chains = "select count(*)::text from audit_chains";
    let before: i64 = desk.rows(chains).await[0].parse().unwrap();
    for _ in 0..2 {
        other.watch_audit(&mut watch).await.unwrap();
    }
    let after: i64 = desk.rows(chains).await[0].parse().unwrap();
    assert_eq!(after, before + 1, "it is noted once");
    let told = words(&other.verify_audit(&[]).await.unwrap());
    assert!(
        told.len() == 1 && told[0].starts_with("set_back"),
        "{told:?}"
    );
}
