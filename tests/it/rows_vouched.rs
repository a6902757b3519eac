//! What vouches for the latest row: a record under its hash, of the very change that wrote it, and nothing that somebody else can write.

use crate::harness::audited::Audited;

#[tokio::test]
async fn nobody_has_an_older_row_vouched_for_by_giving_it_the_next_revision() {
    let audited = Audited::changed().await;
    let admin = audited.cluster.admin().await;
    audited.put_back("before", "tokens").await;
    audited.put_back("before", "pool_members").await;
    audited
        .edit("update tokens set rev = (select rev from cluster) + 1; update pools set rev = (select rev from cluster) + 1")
        .await;
    admin.enable_account("accounts/a").await;
    let named = ["(RevokeToken of ", "the members of pools/p"];
    audited.finds_back(2, &named);
    // Nor by a change of the pool that leaves its members alone, or by an older row of the table cluster.
    let pool = keylease::proto::DisablePoolRequest {
        name: "pools/p".to_owned(),
        why: "a look".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().disable_pool(pool).await.unwrap();
    audited.finds_back(2, &named);
    audited.put_back("before", "cluster").await;
    let found = audited.cluster.doctor(&[]);
    let told = "the audit has a change of revision";
    assert!(
        found.count("went_back") > 0 && found.text().contains(told),
        "{}",
        found.text()
    );
}

#[tokio::test]
async fn what_a_record_says_of_rows_is_under_its_hash_and_not_believed_once_it_was_edited() {
    let audited = Audited::changed().await;
    audited.is_intact();
    audited.put_back("before", "tokens").await;
    audited
        .edit("create table kept as select * from audit_records")
        .await;
    for (rows, is_told) in [
        // What would vouch for the older row.
        (
            "(select rows from audit_records where method = 'CreateToken' order by sequence desc limit 1)",
            false,
        ),
        ("null", false),
        ("rows || rows", false),
        (
            "set_byte(rows, length(rows) - 1, 1 # get_byte(rows, length(rows) - 1))",
            false,
        ),
        ("rows", true),
    ] {
        let edit = format!("update audit_records set rows = {rows} where method = 'RevokeToken'");
        audited.edit(&edit).await;
        let told = audited.faults();
        assert_eq!(told.is_empty(), is_told, "{rows}: {told:?}");
        assert!(
            told.iter().all(|fault| fault.starts_with("changed ")),
            "{rows}: {told:?}"
        );
        let found = audited.cluster.doctor(&[]);
        assert_eq!(
            found.text().contains("`keylease audit verify` names them"),
            !is_told,
            "{}",
            found.text()
        );
        assert_eq!(
            found.count("row_back"),
            u64::from(is_told),
            "{rows}: {}",
            found.text()
        );
        audited.edit("update audit_records r set rows = k.rows from kept k where k.sequence = r.sequence").await;
    }
    // A change that is gone from the audit is not taken for one that never was.
    audited
        .edit("delete from audit_records where method = 'RevokeToken'")
        .await;
    let found = audited.cluster.doctor(&[]);
    assert!(
        found.text().contains("`keylease audit verify` names them"),
        "{}",
        found.text()
    );
}
