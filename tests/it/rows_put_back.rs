//! Rows that were put back whole, their MACs with them: `keylease doctor` names each, and the change that was undone so.

use crate::harness::audited::{Audited, UNDO_ROTATION};

/// What a database writer does who kept all rows before the changes of [`Audited::changed`]: puts a table back, or edits stages; how many rows are
/// told then, which, and what was undone.
const UNDOINGS: &[(&str, u64, &[&str])] = &[
    ("tokens", 1, &["callers/search/tokens/", "(RevokeToken of "]),
    (
        "accounts",
        1,
        &[
            "accounts/a: it is not",
            "(DisableAccount of accounts/a by callers/",
        ],
    ),
    (
        "keys",
        1,
        &[
            "accounts/a/keys/k: it is not",
            "(DisableKey of accounts/a/keys/k",
        ],
    ),
    (
        "pool_members",
        1,
        &["the members of pools/p", "(UpdatePool of pools/p"],
    ),
    (
        "grants",
        1,
        &[
            "the grants of callers/search",
            "(UpdateCaller of callers/search",
        ],
    ),
];

#[tokio::test]
async fn an_older_row_that_was_put_back_is_named_with_the_change_that_it_undoes() {
    let audited = Audited::changed().await;
    audited.is_well();
    for (table, rows, named) in UNDOINGS {
        audited.put_back("before", table).await;
        let found = audited.cluster.doctor(&[]);
        let told: Vec<String> = found.report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                format!(
                    "{}: {}",
                    finding["resource"].as_str().unwrap(),
                    finding["detail"].as_str().unwrap()
                )
            })
            .collect();
        for named in *named {
            assert!(
                told.iter().any(|told| told.contains(named)),
                "{table}: {named}: {told:?}"
            );
        }
        audited.finds_back(*rows, &[]);
        audited.put_back("after", table).await;
        audited.is_well();
    }
}

#[tokio::test]
async fn a_stage_that_was_edited_is_told() {
    let audited = Audited::changed().await;
    // The older secret is leased again.
    audited.edit(UNDO_ROTATION).await;
    let undone = "(RotateKey of accounts/b/keys/k/";
    audited.finds_back(2, &["accounts/b/keys/k/versions/1", undone]);
    audited.put_back("after", "key_versions").await;
    audited.is_well();
    // It is out of service, and may be forgotten at its provider.
    audited
        .edit("update key_versions set stage = 'revoked' where stage = 'previous'")
        .await;
    let found = audited.cluster.doctor(&[]);
    let counts = (found.count("row_back"), found.count("version_back"));
    assert_eq!(counts, (1, 1), "{}", found.text());
}

#[tokio::test]
async fn what_was_deleted_and_is_there_again_is_told_and_can_be_deleted_once_more() {
    let audited = Audited::new().await;
    let admin = audited.cluster.admin().await;
    audited.keep("before").await;
    for name in ["pools/p", "callers/search", "accounts/a/keys/k"] {
        admin.delete(name).await;
    }
    audited.keep("after").await;
    audited.is_well();
    for (tables, rows, named) in [
        (
            &["keys", "key_versions", "secrets"][..],
            2,
            &[
                "accounts/a/keys/k/versions/1",
                "(DeleteKey of accounts/a/keys/k",
            ][..],
        ),
        (
            &["pools", "pool_members"],
            1,
            &["pools/p", "(DeletePool of pools/p"],
        ),
        (
            &["callers", "grants", "tokens"],
            2,
            &["callers/search/tokens/", "(DeleteCaller of callers/search"],
        ),
    ] {
        for table in tables {
            audited.put_back("before", table).await;
        }
        audited.finds_back(rows, named);
        admin
            .delete(named[1].trim_end_matches('/').split(" of ").nth(1).unwrap())
            .await;
        audited.is_well();
    }
    // And what somebody takes away is missed.
    for (table, named) in [
        ("accounts where id = 'a'", "CreateAccount of accounts/a"),
        ("key_versions", "CreateKey of accounts/b/keys/k"),
        ("grants", "CreateCaller of callers/"),
        ("callers", "CreateCaller of callers/"),
    ] {
        audited.edit(&format!("set session_replication_role = replica; delete from {table}; set session_replication_role = origin")).await;
        let found = audited.cluster.doctor(&[]);
        let missed = found.count("row_gone") + found.count("row_back");
        assert!(
            missed > 0 && found.text().contains(named),
            "{table}: {}",
            found.text()
        );
        let table = table.split(' ').next().unwrap();
        audited.put_back("after", table).await;
        audited.is_well();
    }
}
