//! The audit's chains: whatever somebody does to the rows who has the database and not the key, `keylease audit verify` says which.

use serde_json::Value;

use crate::harness::audited::{Audited, faults};
use crate::harness::process::texts;

/// Rows of the replica that serves, whose chain is the longest.
const OWN: &str =
    "writer = (select writer from audit_records group by writer order by count(*) desc limit 1)";

#[tokio::test]
async fn every_change_is_in_a_chain_that_verifies_and_is_exported() {
    let audited = Audited::new().await;
    audited.is_intact();
    let pool = &audited.cluster.database.pool;
    let rows: i64 = sqlx::query_scalar("select count(*) from audit_records")
        .fetch_one(pool)
        .await
        .unwrap();
    let (out, error) = texts(&audited.audit(&["export"]));
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(i64::try_from(lines.len()).unwrap(), rows, "{error}");
    let of = |method: &str| lines.iter().filter(|line| line["method"] == method).count();
    assert_eq!((of("CreateAccount"), of("CreatePool")), (2, 1));
    // The administrator was made by another boot than serves.
    assert_eq!(audited.verify(&[]).1["chains"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_edited_row_is_told_whichever_column_it_was() {
    let audited = Audited::new().await;
    audited
        .edit("create table kept as select * from audit_records")
        .await;
    for edit in [
        "caller = 'callers/mallory'",
        "method = 'GetAccount'",
        "resource = 'accounts/other'",
        "reason = 'none'",
        "source = '192.0.2.1:1'",
        "summary = 'nothing'",
        "record_time = record_time + interval '1 microsecond'",
        "mac = mac || '\\x00'",
        "mac = null",
    ] {
        audited
            .edit(&format!(
                "update audit_records set {edit} where {OWN} and writer_sequence = 3"
            ))
            .await;
        assert_eq!(audited.faults(), ["changed 3"], "{edit}");
        audited
            .edit(
                "update audit_records r set caller = k.caller, method = k.method, resource = k.resource, reason = k.reason,
                    source = k.source, summary = k.summary, record_time = k.record_time, mac = k.mac
                from kept k where k.sequence = r.sequence",
            )
            .await;
    }
    audited.is_intact();
}

#[tokio::test]
async fn rows_that_were_deleted_cut_off_moved_or_forged_are_told() {
    let audited = Audited::new().await;
    let (_, head) = audited.head("changes");
    let last = format!("{OWN} and writer_sequence");
    audited
        .edit("create table kept as select * from audit_records")
        .await;
    let restore = "delete from audit_records; insert into audit_records overriding system value select * from kept";
    let gone = |from: i64, until: i64| format!("missing {from}-{until}");
    let copied = "insert into audit_records (record_time, caller, method, resource, reason, source, summary, writer, writer_sequence, previous, mac)
        select record_time, caller, method, resource, reason, source, summary, writer, writer_sequence";
    for (statement, wanted) in [
        (format!("delete from audit_records where {last} = 2"), vec![gone(2, 2)]),
        (format!("delete from audit_records where {last} >= {}", head - 1), vec![gone(head - 1, head)]),
        (format!("delete from audit_records where {last} > 0"), vec![gone(1, head)]),
        (
            format!("update audit_records set writer_sequence = 5 - writer_sequence where {last} in (2, 3)"),
            vec!["moved 2".to_owned(), "moved 3".to_owned()],
        ),
        (
            format!("update audit_records set sequence = -sequence where {last} in (2, 3);
                update audit_records a set sequence = -b.sequence from audit_records b where a.sequence < 0 and b.sequence < 0 and a.sequence <> b.sequence"),
            vec!["changed 2".to_owned(), "changed 3".to_owned()],
        ),
        (format!("{copied}, previous, mac from audit_records where {last} = 2"), vec!["stray 2".to_owned()]),
        (
            format!("{copied} + {head}, previous, mac from audit_records where {last} = 1"),
            vec![format!("changed {}", head + 1)],
        ),
    ] {
        let edit = statement.replace("update audit_records set sequence", "alter table audit_records alter sequence drop identity if exists; update audit_records set sequence");
        audited.edit(&edit).await;
        assert_eq!(audited.faults(), wanted, "{statement}");
        audited.edit(&restore.replace("overriding system value", if edit == statement { "overriding system value" } else { "" })).await;
        if edit != statement {
            audited.edit("alter table audit_records alter sequence add generated always as identity (start 1000)").await;
        }
    }
    audited.is_intact();
    audited.edit("insert into audit_records (caller, method, resource, reason, source, summary) values ('c', 'm', 'r', '', '', '')").await;
    assert!(audited.faults()[0].starts_with("unchained"));
}

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
    let of = format!("writer = '{writer}'");
    let set_back = format!(
        "update audit_chains c set head_sequence = h.head_sequence, head_hash = h.head_hash, head_mac = h.head_mac from heads h
        where h.writer = c.writer and c.{of}"
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
    assert_eq!(audited.faults(), ["head_missing 1"]);
}

#[tokio::test]
async fn a_chain_set_back_as_a_whole_is_told_by_the_replica_that_runs_by_later_boots_and_by_what_was_noted()
 {
    let mut audited = Audited::new().await;
    let (writer, before) = audited.head("changes");
    let noted = audited.note();
    let set_back = format!(
        "delete from audit_records where writer = '{writer}' and writer_sequence > {before};
        update audit_chains c set head_sequence = h.head_sequence, head_hash = h.head_hash, head_mac = h.head_mac from heads h
        where h.writer = c.writer and c.writer = '{writer}'"
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

#[tokio::test]
async fn records_of_an_earlier_release_are_adopted_by_the_first_writer() {
    let mut audited = Audited::new().await;
    audited.cluster.replicas.clear();
    audited
        .edit("update audit_records set writer = null, writer_sequence = null, previous = null, mac = null; delete from audit_chains")
        .await;
    audited.cluster.add().await;
    audited
        .cluster
        .admin()
        .await
        .create_account_and_key("c")
        .await;
    audited.is_intact();
    audited
        .edit("update audit_records set summary = 'x' where sequence = 1")
        .await;
    assert_eq!(audited.faults(), ["changed 1"]);
}

#[tokio::test]
async fn what_retention_leaves_still_verifies_and_evidence_stays() {
    let audited = Audited::new().await;
    let prune = |age: &str| {
        let output = audited.audit(&["prune", "--chain", "changes", "--older-than", age]);
        let (out, error) = texts(&output);
        assert!(output.status.success(), "{error}");
        out
    };
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
    let left = "select method || ' ' || resource from audit_records";
    let left: Vec<String> = sqlx::query_scalar(left)
        .fetch_all(&audited.cluster.database.pool)
        .await
        .unwrap();
    assert_eq!(left, ["PruneAudit audit/changes"]);
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
        where e.writer = c.writer and c.writer = '{writer}'"
    );
    audited
        .edit("create table pruned as select * from audit_chains")
        .await;
    audited.edit(&older).await;
    assert_eq!(audited.faults(), [format!("missing 1-{head}")]);
    audited
        .edit("delete from audit_chains; insert into audit_chains select * from pruned")
        .await;
    // What is not what was written is not removed.
    audited.edit(&format!("update audit_records set summary = 'x' where writer = '{writer}' and writer_sequence = {head} + 1")).await;
    let changed = [format!("changed {}", head + 1)];
    assert_eq!(audited.faults(), changed);
    prune("0s");
    assert_eq!(audited.faults(), changed);
}
