//! What is known of the audit's chains as a whole: a past that somebody made up, chains that are gone with all their rows, and replicas that
//! look at each other's.

use std::sync::Arc;

use keylease::crypto::BootId;
use keylease::vault::{AuditReport, Vault, VaultKeys};

use crate::harness::audited::Audited;
use crate::harness::desk::Desk;
use crate::harness::process::texts;
use crate::harness::setup::MINUTE;

/// Takes every record out of its chain, and removes the chains.
const UNCHAIN: &str =
    "update audit_records set writer = null, writer_sequence = null, previous = null, mac = null;
    delete from audit_chains";
/// As a release leaves a vault that knows of neither promotions nor chains.
const AS_EARLIER: &str =
    "delete from audit_standing; delete from audit_records where method = 'PromoteMasterKey';
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

/// Another replica over the desk's database, which knows all that there is.
async fn beside(desk: &Desk) -> Arc<Vault> {
    let ring = (*desk.vault.keys().ring()).clone();
    let pool = desk.database.pool.clone();
    let keys = VaultKeys::open(&pool, ring).await.unwrap();
    let boot = BootId::generate().unwrap();
    let other = Arc::new(Vault::new(pool, Arc::new(keys), boot, MINUTE * 5));
    other.begin_audit().await.unwrap();
    other.refresh(1).await.unwrap();
    other.watch_audit().await.unwrap();
    other
}

/// A change that the other replica takes up as every poll does, and that its writer's records and head lose afterwards; `meanwhile` is what
/// else happens in between.
async fn lose_a_change(desk: &Desk, other: &Vault, meanwhile: &str) {
    desk.sql("create table heads as select * from audit_chains")
        .await;
    desk.create_account("b").await.unwrap();
    let rev = desk.rows("select rev::text from cluster").await[0].parse();
    other.refresh(rev.unwrap()).await.unwrap();
    desk.sql(meanwhile).await;
    other.watch_audit().await.unwrap();
    let newest = "(select writer from audit_records order by sequence desc limit 1)";
    desk.sql(&format!(
        "delete from audit_chains where head_mac = '';
        update audit_chains c set head_sequence = h.head_sequence, head_hash = h.head_hash, head_mac = h.head_mac from heads h
            where h.writer = c.writer;
        delete from audit_records where writer = {newest} and sequence = (select max(sequence) from audit_records)"
    ))
    .await;
}

async fn chains(desk: &Desk) -> i64 {
    let chains = "select count(*)::text from audit_chains";
    desk.rows(chains).await[0].parse().unwrap()
}

#[tokio::test]
async fn a_replica_notes_what_of_the_others_chains_has_gone_or_went_back() {
    let desk = Desk::with_key().await;
    let other = beside(&desk).await;
    lose_a_change(&desk, &other, "").await;
    // Rows and heads agree.
    assert!(other.verify_audit(&[]).await.unwrap().intact);
    let before = chains(&desk).await;
    for _ in 0..2 {
        other.watch_audit().await.unwrap();
    }
    assert_eq!(chains(&desk).await, before + 1, "it is noted once");
    let told = words(&other.verify_audit(&[]).await.unwrap());
    assert!(
        told.len() == 1 && told[0].starts_with("set_back"),
        "{told:?}"
    );
    // And the note is not lost unseen.
    desk.sql(
        "delete from audit_chains where create_time = (select max(create_time) from audit_chains)",
    )
    .await;
    other.watch_audit().await.unwrap();
    let told = words(&other.verify_audit(&[]).await.unwrap());
    assert!(told.contains(&"head_missing 0".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_change_that_was_taken_up_is_missed_though_no_look_came_between() {
    let desk = Desk::with_key().await;
    let other = beside(&desk).await;
    desk.create_account("b").await.unwrap();
    let rev = desk.rows("select rev::text from cluster").await[0].parse();
    other.refresh(rev.unwrap()).await.unwrap();
    let newest = "(select writer from audit_records order by sequence desc limit 1)";
    desk.sql(&format!(
        "delete from audit_chains where chain = 'changes' and writer = {newest}; delete from audit_records where writer = {newest}"
    ))
    .await;
    other.watch_audit().await.unwrap();
    let told = words(&other.verify_audit(&[]).await.unwrap());
    assert!(
        told.iter().any(|fault| fault.starts_with("head_missing")),
        "{told:?}"
    );
}

#[tokio::test]
async fn heads_that_nobody_signed_push_out_none_that_was_seen() {
    let desk = Desk::with_key().await;
    let other = beside(&desk).await;
    let flood = "insert into audit_chains (chain, writer, create_time, witnessed, birth_mac, anchor_sequence, anchor_hash, anchor_mac,
            head_sequence, head_hash, head_mac, update_time)
        select 'changes', gen_random_uuid(), now() + interval '1 day', '', '', 0, '', '', 0, '', '', now() + interval '1 day'
        from generate_series(1, 300)";
    lose_a_change(&desk, &other, flood).await;
    other.watch_audit().await.unwrap();
    let told = words(&other.verify_audit(&[]).await.unwrap());
    assert!(
        told.len() == 1 && told[0].starts_with("set_back"),
        "{told:?}"
    );
}

#[tokio::test]
async fn chains_that_nobody_signed_and_hide_others_are_missed_when_they_are_gone() {
    let desk = Desk::with_key().await;
    let other = beside(&desk).await;
    desk.sql(
        "insert into audit_chains (chain, writer, create_time, witnessed, birth_mac, anchor_sequence, anchor_hash, anchor_mac,
            head_sequence, head_hash, head_mac, update_time)
        select 'changes', gen_random_uuid(), now(), '', '', 0, '', '', 0, '', '', now() + interval '1 day' from generate_series(1, 16400)",
    )
    .await;
    for _ in 0..2 {
        other.watch_audit().await.unwrap();
    }
    desk.sql("delete from audit_chains where head_mac = ''")
        .await;
    let told = words(&other.verify_audit(&[]).await.unwrap());
    assert_eq!(told, ["head_missing 0"]);
}
