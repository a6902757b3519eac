//! The journal's chains: none of it can be changed unseen.

use keylease::proto::JournalMode;

use crate::harness::audited::{Audited, SET_HEADS_BACK, set_journal as set};

/// Edits of six rows, and what is found.
const EDITS: [(&str, &str); 8] = [
    (
        "update lease_journal set kind = 'rollup' where sequence = 2",
        "changed 2",
    ),
    (
        "update lease_journal set caller = 'callers/other' where sequence = 2",
        "changed 2",
    ),
    (
        "update lease_journal set record_time = record_time - interval '1 hour' where sequence = 3",
        "changed 3",
    ),
    (
        "update lease_journal set tags = '{\"a\":\"b\"}' where sequence = 4",
        "changed 4",
    ),
    (
        "delete from lease_journal where sequence in (2, 3)",
        "missing 2-3",
    ),
    (
        "delete from lease_journal where sequence > 4",
        "missing 5-6",
    ),
    ("delete from lease_journal", "missing 1-6"),
    (
        "update lease_journal set sequence = 7 - sequence where sequence in (3, 4)",
        "moved 3 moved 4",
    ),
];

#[tokio::test]
async fn a_journal_that_was_tampered_with_is_told() {
    let audited = Audited::new().await;
    let admin = audited.cluster.admin().await;
    set(&admin, JournalMode::Strict).await;
    let token = admin.create_token("search").await.text;
    let caller = audited.cluster.client(0, &token).await;
    for _ in 0..6 {
        caller.lease("p").await;
    }
    audited.is_intact();
    let (writer, head) = audited.head("leases");
    assert_eq!(head, 6);
    audited
        .edit("create table kept as select * from lease_journal")
        .await;
    for (edit, wanted) in EDITS {
        audited.edit(edit).await;
        assert_eq!(audited.faults().join(" "), wanted, "{edit}");
        let restore = "delete from lease_journal; insert into lease_journal overriding system value select * from kept";
        audited.edit(restore).await;
    }
    // Cut off together with its head, the replica that runs remembers.
    audited
        .edit("create table heads as select * from audit_chains")
        .await;
    caller.lease("p").await;
    audited
        .edit(&format!(
            "delete from lease_journal where writer = '{writer}' and sequence = 7;
            {SET_HEADS_BACK}
            where h.writer = c.writer and h.chain = c.chain"
        ))
        .await;
    caller.lease("p").await;
    assert_eq!(audited.faults(), ["set_back 7"]);
}
