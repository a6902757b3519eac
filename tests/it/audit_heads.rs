//! The ends of the audit's chains: set back, edited, removed, and moved on by retention.

use crate::harness::audited::{Audited, SET_HEADS_BACK, faults};
use crate::harness::process::texts;

#[tokio::test]
async fn heads_that_were_set_back_edited_or_removed_are_told() {
    let audited = Audited::new().await;
    let (writer, before) = audited.head("changes");
    audited
        .edit("create table heads as select * from audit_chains")
        .await;
    audited
        .cluster
        .admin()
        .await
        .create_account_and_key("c")
        .await;
    let (_, head) = audited.head("changes");
    assert!(head > before);
    audited
        .edit("create table kept as select * from audit_chains")
        .await;
    let of = format!("chain = 'changes' and writer = '{writer}'");
    let set_back = format!(
        "{SET_HEADS_BACK}
        where h.chain = c.chain and h.writer = c.writer and c.writer = '{writer}'"
    );
    audited.edit(&set_back).await;
    let beyond: Vec<String> = (before + 1..=head)
        .map(|at| format!("beyond_head {at}"))
        .collect();
    assert_eq!(audited.faults(), beyond);
    for statement in [
        format!("update audit_chains set head_sequence = {head} + 1 where {of}"),
        format!(
            "update audit_chains set anchor_sequence = 2, anchor_hash = head_hash, anchor_mac = head_mac where {of}"
        ),
        format!("update audit_chains set witnessed = '' where {of}"),
    ] {
        audited
            .edit("delete from audit_chains; insert into audit_chains select * from kept")
            .await;
        audited.edit(&statement).await;
        assert_eq!(
            audited.faults()[0],
            format!(
                "head_changed {}",
                if statement.contains("+ 1") {
                    head + 1
                } else {
                    head
                }
            ),
            "{statement}"
        );
    }
    audited
        .edit("delete from audit_chains; insert into audit_chains select * from kept")
        .await;
    audited
        .edit(&format!("delete from audit_chains where {of}"))
        .await;
    assert_eq!(audited.faults(), ["head_missing 1", "chains_missing 2"]);
}

#[tokio::test]
async fn a_chain_set_back_as_a_whole_is_told_by_the_replica_that_runs_by_later_boots_and_by_what_was_noted()
 {
    let mut audited = Audited::new().await;
    let (writer, before) = audited.head("changes");
    let noted = audited.note();
    let set_back = format!(
        "delete from audit_records where writer = '{writer}' and writer_sequence > {before};
        {SET_HEADS_BACK}
        where h.chain = c.chain and h.writer = c.writer and c.writer = '{writer}'"
    );
    audited
        .edit("create table heads as select * from audit_chains")
        .await;
    audited
        .cluster
        .admin()
        .await
        .create_account_and_key("c")
        .await;
    let (_, head) = audited.head("changes");
    let later = audited.note();
    audited.edit(&set_back).await;
    // By itself it is whole, as it was then.
    audited.is_intact();
    assert!(audited.verify(&["--noted", noted.to_str().unwrap()]).0);
    let (_, report) = audited.verify(&["--noted", later.to_str().unwrap()]);
    assert_eq!(faults(&report), [format!("set_back {head}")]);
    // The replica goes on in a chain that says what it remembers.
    audited
        .cluster
        .admin()
        .await
        .create_account_and_key("d")
        .await;
    assert_eq!(audited.faults(), [format!("set_back {head}")]);
    assert!(
        audited.cluster.replicas[0]
            .said()
            .contains("the audit was set back")
    );
    // And a boot notes the heads that it finds.
    audited.cluster.add().await;
    let other = audited
        .cluster
        .client(1, &audited.cluster.admin_token)
        .await;
    other.create_account_and_key("e").await;
    let (_, _) = audited.head("changes");
    audited.edit(&format!("delete from audit_records where writer = '{writer}'; delete from audit_chains where writer = '{writer}'")).await;
    let told = audited.faults();
    assert!(told.contains(&format!("head_missing {head}")), "{told:?}");
    for file in [noted, later] {
        std::fs::remove_file(file).unwrap();
    }
}

/// Prunes changes by hand, and gives what that says.
fn pruned(audited: &Audited, age: &str) -> String {
    let arguments = ["prune", "--chain", "changes", "--reason", "the law"];
    let output = audited.audit(&[&arguments[..], &["--older-than", age]].concat());
    let (out, error) = texts(&output);
    assert!(output.status.success(), "{error}");
    out
}

#[tokio::test]
async fn what_retention_leaves_still_verifies_and_evidence_stays() {
    let audited = Audited::new().await;
    let prune = |age: &str| pruned(&audited, age);
    assert_eq!(prune("1h"), "removed 0 rows\n");
    let (writer, head) = audited.head("changes");
    audited
        .edit("create table kept as select * from audit_records")
        .await;
    audited
        .edit("create table ends as select * from audit_chains")
        .await;
    assert!(!prune("0s").starts_with("removed 0 "));
    audited.is_intact();
    removals_are_on_record(&audited, &writer, head).await;
    // The replica goes on behind its anchor, and what was removed cannot come back.
    audited
        .cluster
        .admin()
        .await
        .create_account_and_key("c")
        .await;
    audited.is_intact();
    assert!(audited.head("changes").1 > 0);
    let restore = format!(
        "insert into audit_records overriding system value select * from kept where writer = '{writer}'"
    );
    audited.edit(&restore).await;
    let stray: Vec<String> = (1..=head).map(|at| format!("stray {at}")).collect();
    assert_eq!(audited.faults(), stray);
    audited
        .edit(&format!(
            "delete from audit_records where writer = '{writer}' and writer_sequence <= {head}"
        ))
        .await;
    audited.is_intact();
    // An older anchor wants its rows back.
    let older = format!(
        "update audit_chains c set anchor_sequence = e.anchor_sequence, anchor_hash = e.anchor_hash, anchor_mac = e.anchor_mac from ends e
        where e.chain = c.chain and e.writer = c.writer and c.writer = '{writer}'"
    );
    audited
        .edit("create table pruned as select * from audit_chains")
        .await;
    audited.edit(&older).await;
    assert_eq!(audited.faults(), [format!("missing 1-{head}")]);
    audited
        .edit("delete from audit_chains; insert into audit_chains select * from pruned")
        .await;
}

/// Each removal is on record with it: who, why, and what.
async fn removals_are_on_record(audited: &Audited, writer: &str, head: i64) {
    let left = "select method || ' ' || resource || ' ' || reason || ', ' || source || ': ' || summary from audit_records
        order by sequence";
    let left: Vec<String> = sqlx::query_scalar(left)
        .fetch_all(&audited.cluster.database.pool)
        .await
        .unwrap();
    assert_eq!(left.len(), 3, "{left:?}");
    let user = rustix::process::getuid().as_raw();
    for record in &left {
        let by = format!("PruneAudit audit/changes the law, the command line of user {user} (");
        assert!(record.starts_with(&by), "{record}");
        assert!(record.ends_with("which were older than 0s"), "{record}");
    }
    assert!(
        left[2].contains(&format!("removed rows 1 to {head} of {writer}")),
        "{left:?}"
    );
}

#[tokio::test]
async fn what_is_not_what_was_written_is_not_removed() {
    let audited = Audited::new().await;
    let (writer, _) = audited.head("changes");
    audited
        .edit(&format!(
            "update audit_records set summary = 'x' where writer = '{writer}' and writer_sequence = 2"
        ))
        .await;
    assert_eq!(audited.faults(), ["changed 2"]);
    let arguments = ["prune", "--chain", "changes", "--older-than", "0s"];
    assert!(audited.audit(&arguments).status.success());
    assert_eq!(audited.faults(), ["changed 2"]);
}
