//! The audit's chains: whatever somebody does to the rows who has the database and not the key, `keylease audit verify` says which.

use serde_json::Value;

use crate::harness::audited::Audited;
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
    let is_chain = |line: &&Value| line["head"].is_object();
    let chains = lines.iter().filter(is_chain).count();
    assert_eq!(
        i64::try_from(lines.len() - chains).unwrap(),
        rows,
        "{error}"
    );
    assert_eq!(chains, 4);
    let of = |method: &str| lines.iter().filter(|line| line["method"] == method).count();
    assert_eq!((of("CreateAccount"), of("CreatePool")), (2, 1));
    // The vault began, and the administrator was made, by other processes than serve.
    let (_, report) = audited.verify(&[]);
    let chains = report["chains"].as_array().unwrap();
    let of = |kind: &str| chains.iter().filter(|chain| chain["chain"] == kind).count();
    assert_eq!((of("changes"), of("leases")), (3, 1));
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
        "rows = null",
        "rows = rows || rows",
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
                    source = k.source, summary = k.summary, record_time = k.record_time, mac = k.mac, rows = k.rows
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
