//! ImportKeys: all or nothing.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::desk::{Desk, answered};
use crate::harness::keys::{fields, openai, reason, secret};

fn account(id: &str, keys: &[(&str, &str)]) -> proto::ImportedAccount {
    let keys = keys.iter().map(|(id, value)| proto::ImportedKey {
        key_id: (*id).to_owned(),
        key: None,
        secret: Some(secret(value)),
    });
    proto::ImportedAccount {
        account_id: id.to_owned(),
        account: Some(openai()),
        keys: keys.collect(),
        limits: vec![],
    }
}

fn limit(amount: i64) -> proto::ImportedLimit {
    let minute = prost_types::Duration {
        seconds: 60,
        nanos: 0,
    };
    proto::ImportedLimit {
        limit_id: "rpm".to_owned(),
        limit: Some(proto::Limit {
            dimension: proto::LimitDimension::Requests.into(),
            amount,
            window: Some(proto::limit::Window::Rolling(minute)),
            ..Default::default()
        }),
    }
}

fn pool(id: &str, targets: &[&str]) -> proto::ImportedPool {
    let members = targets
        .iter()
        .zip(1..)
        .map(|(target, tier)| proto::PoolMember {
            target: (*target).to_owned(),
            tier,
            weight: 1,
        });
    proto::ImportedPool {
        pool_id: id.to_owned(),
        pool: Some(proto::Pool {
            members: members.collect(),
            ..Default::default()
        }),
    }
}

async fn import(
    desk: &Desk,
    accounts: Vec<proto::ImportedAccount>,
    pools: Vec<proto::ImportedPool>,
) -> Result<proto::ImportKeysResponse, Status> {
    let request = proto::ImportKeysRequest {
        accounts,
        pools,
        ..Default::default()
    };
    let answer = desk.admin.import_keys(desk.ask(request)).await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn an_import_stores_accounts_keys_limits_and_pools_in_one_change() {
    let desk = Desk::open().await;
    let mut a = account("a", &[("main", "sk-1"), ("backup-1", "sk-2")]);
    a.limits.push(limit(600));
    let members = [
        "accounts/a/keys/main",
        "accounts/a/keys/backup-1",
        "accounts/b",
    ];
    let accounts = vec![a, account("b", &[("main", "sk-3")])];
    let imported = import(&desk, accounts, vec![pool("a", &members)])
        .await
        .unwrap();
    assert_eq!((imported.accounts.len(), imported.keys.len()), (2, 3));
    assert_eq!(imported.accounts[0].limits[0].amount, 600);
    assert_eq!(imported.limits[0].name, "accounts/a/limits/rpm");
    assert_eq!(
        imported.keys[0].current_version,
        "accounts/a/keys/main/versions/1"
    );
    let targets = imported.pools[0]
        .members
        .iter()
        .map(|member| member.target.as_str());
    assert_eq!(targets.collect::<Vec<_>>(), members);
    assert_eq!(desk.marks().await.0, 1);
    let about = desk
        .rows("select resource from audit_records where method not in ('AddMasterKey', 'PromoteMasterKey') order by sequence")
        .await;
    assert_eq!(about, ["accounts/a", "accounts/b", "pools/a", "accounts/-"]);
}

#[tokio::test]
async fn an_account_that_is_there_is_used_if_it_is_the_same() {
    let desk = Desk::open().await;
    let made = desk.create_account("a").await.unwrap();
    let imported = import(&desk, vec![account("a", &[("k", "sk-1")])], vec![])
        .await
        .unwrap();
    assert_eq!(imported.accounts[0].uid, made.uid);
    let mut other = account("a", &[("l", "sk-2")]);
    other.account.as_mut().unwrap().base_url = "https://proxy.example".to_owned();
    let refused = import(&desk, vec![other], vec![]).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn an_import_with_a_secret_that_is_known_changes_nothing_and_names_the_field_and_the_key() {
    let desk = Desk::with_key().await;
    let (marks, dump) = (desk.marks().await, desk.dump().await);
    let keys = [
        ("x", "sk-new"),
        ("y", "sk-twice"),
        ("z", "sk-twice"),
        ("w", "sk-first"),
    ];
    let refused = import(&desk, vec![account("b", &keys)], vec![])
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "RESOURCE_EXISTS")
    );
    assert_eq!(
        fields(&refused),
        ["accounts[0].keys[2].secret", "accounts[0].keys[3].secret"]
    );
    let details = refused.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert!(
        violations[0]
            .description
            .contains("accounts[0].keys[1].secret")
    );
    assert!(violations[1].description.contains("accounts/a/keys/k"));
    assert!(!format!("{refused:?}").contains("sk-"));
    assert_eq!(desk.marks().await, marks);
    assert_eq!(desk.dump().await, dump);
}

#[tokio::test]
async fn a_secret_that_was_revoked_may_be_imported_again() {
    let desk = Desk::with_key().await;
    desk.rotate("sk-second", true).await.unwrap();
    import(&desk, vec![account("b", &[("k", "sk-first")])], vec![])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_import_that_fails_at_its_last_pool_changes_nothing() {
    let desk = Desk::with_key().await;
    let dump = desk.dump().await;
    let accounts = vec![account("b", &[("k", "sk-2")])];
    let pools = vec![pool("p", &["accounts/b"]), pool("q", &["accounts/nowhere"])];
    let refused = import(&desk, accounts, pools).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(desk.dump().await, dump);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_with_its_place() {
    let desk = Desk::open().await;
    let mut a = account("a", &[("Bad", "sk-1"), ("ok", "sk\n2")]);
    a.keys.push(proto::ImportedKey {
        key_id: "none".to_owned(),
        ..Default::default()
    });
    a.limits.push(limit(0));
    let twin = account("a", &[]);
    let refused = import(&desk, vec![a, twin], vec![pool("P", &["nonsense"])])
        .await
        .unwrap_err();
    let mut named = fields(&refused);
    named.sort();
    let expected = [
        "accounts[0].keys[0].key_id",
        "accounts[0].keys[1].secret.value",
        "accounts[0].keys[2].secret",
        "accounts[0].limits[0].limit.amount",
        "accounts[1].account_id",
        "pools[0].pool.members[0].target",
        "pools[0].pool_id",
    ];
    assert_eq!(named, expected);
    assert!(!format!("{refused:?}").contains("sk"));
}

#[tokio::test]
async fn an_import_has_bounds() {
    let desk = Desk::open().await;
    let refused = import(&desk, vec![], vec![]).await.unwrap_err();
    assert_eq!(fields(&refused), ["accounts"]);
    let many = (0..101).map(|i| account(&format!("a{i}"), &[])).collect();
    assert_eq!(
        fields(&import(&desk, many, vec![]).await.unwrap_err()),
        ["accounts"]
    );
    let keys = vec![("k", "sk"); 1_001];
    let refused = import(&desk, vec![account("a", &keys)], vec![])
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["accounts.keys"]);
}

#[tokio::test]
async fn a_repeated_import_answers_what_it_stored() {
    let desk = Desk::open().await;
    let request = || {
        desk.ask(proto::ImportKeysRequest {
            accounts: vec![account("a", &[("k", "sk-1")])],
            pools: vec![pool("p", &["accounts/a"])],
            request_id: "r".to_owned(),
            ..Default::default()
        })
    };
    let first = answered(desk.admin.import_keys(request()).await);
    let marks = desk.marks().await;
    assert_eq!(answered(desk.admin.import_keys(request()).await), first);
    assert_eq!(desk.marks().await, marks);
}
