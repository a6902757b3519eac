//! Older rows that were put back and then changed by somebody who did not notice: the change made them the latest, and says itself what it
//! found.

use keylease::proto;

use crate::harness::audited::{Audited, UNDO_ROTATION};
use crate::harness::client::Client;
use crate::harness::desk::mask;

/// Changes something else about the account `a`, which does not look whether it is disabled.
async fn set_label(admin: &Client, value: &str) {
    let request = proto::UpdateAccountRequest {
        account: Some(proto::Account {
            name: "accounts/a".to_owned(),
            labels: [("team".to_owned(), value.to_owned())].into(),
            ..Default::default()
        }),
        update_mask: mask(&["labels"]),
        ..Default::default()
    };
    admin.admin.clone().update_account(request).await.unwrap();
}

#[tokio::test]
async fn a_change_onto_an_older_row_is_told_until_somebody_makes_the_one_that_was_undone_again() {
    let audited = Audited::new().await;
    let admin = audited.cluster.admin().await;
    audited.keep("before").await;
    admin.disable_account("accounts/a").await;
    audited.put_back("before", "accounts").await;
    set_label(&admin, "search").await;
    let named = [
        "accounts/a",
        "(UpdateAccount of accounts/a",
        "found it otherwise than",
        "(DisableAccount of accounts/a",
    ];
    audited.finds_back(1, &named);
    audited.finds_back(1, &named);
    // The account is enabled, and nobody meant that.
    admin.disable_account("accounts/a").await;
    let well = audited.is_well();
    let said = "1 rows were changed once when they were not what the change before had left";
    assert!(well.text().contains(said), "{}", well.text());
    set_label(&admin, "ads").await;
    audited.is_well();
    audited.is_intact();
}

#[tokio::test]
async fn members_and_stages_that_were_put_back_and_changed_are_told() {
    let audited = Audited::changed().await;
    let admin = audited.cluster.admin().await;
    audited.is_well();
    audited.put_back("before", "pool_members").await;
    admin.set_members(&["b"]).await;
    audited.finds_back(1, &["the members of pools/p", "(UpdatePool of pools/p"]);
    admin.set_members(&["a"]).await;
    audited.is_well();
    // The version that was replaced is current again, and replaced by the next.
    audited.edit(UNDO_ROTATION).await;
    admin.rotate("accounts/b/keys/k", "sk-b-newest").await;
    let found = audited.cluster.doctor(&[]);
    assert_eq!(found.count("row_back"), 2, "{}", found.text());
    let said = "accounts/b/keys/k/versions/1";
    assert!(found.text().contains(said), "{}", found.text());
}

#[tokio::test]
async fn who_writes_the_next_revision_into_a_row_hides_nothing() {
    let audited = Audited::new().await;
    let admin = audited.cluster.admin().await;
    audited.keep("before").await;
    admin.disable_account("accounts/a").await;
    audited.keep("after").await;
    audited.put_back("before", "accounts").await;
    audited
        .edit(
            "update accounts set rev = (select rev + 1 from cluster), mac_before = (select mac from after_accounts where id = 'a')
            where id = 'a'",
        )
        .await;
    set_label(&admin, "search").await;
    audited.finds_back(1, &["accounts/a", "found it otherwise than"]);
}
