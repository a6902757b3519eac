//! Rules that a pool adds: they judge its leases on every replica, are refused with a reason, and nobody else writes them.

use std::sync::Arc;

use keylease::domain::classify::PoolRules;
use keylease::domain::name::PoolName;
use keylease::domain::pool_draft::PoolDraft;
use keylease::proto::admin_service_server::AdminService;
use keylease::proto::outcome::Result as Seen;
use keylease::proto::{self, BlameScope, DistrustState, FailureClass, Outcome, RefusalReason};
use keylease::vault::{Change, UpdatePool};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::desk::{Desk, answered, mask, refused};
use crate::harness::outcomes::http;
use crate::harness::raided::Raided;
use crate::harness::setup::of_targets;

/// What a reseller's answers mean to one pool alone.
const RULES: &str = r#"
version = 1
# 418 is how the reseller says that its invoice is open.
[[rule]]
id = "invoice"
status = ["418"]
headers = { x-invoice = "open*" }
class = "quota"
scope = "account"
cooldown = "2h"
"#;

fn invoice() -> Outcome {
    http(418, &[("X-Invoice", "Open since May")])
}

fn with_rules(rules: &str, targets: &[&str]) -> proto::Pool {
    proto::Pool {
        failure_rules: rules.to_owned(),
        ..of_targets(targets)
    }
}

async fn update(admin: &Client, rules: &str) -> Result<proto::Pool, tonic::Status> {
    let request = proto::UpdatePoolRequest {
        pool: Some(proto::Pool {
            name: "pools/ruled".to_owned(),
            failure_rules: rules.to_owned(),
            ..Default::default()
        }),
        update_mask: mask(&["failure_rules"]),
        ..Default::default()
    };
    let answer = admin.admin.clone().update_pool(request).await?;
    Ok(answer.into_inner().pool.unwrap())
}

#[tokio::test]
async fn reports_are_judged_by_the_rules_of_the_lease_s_pool_on_every_replica() {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_pool("plain", &["a"]).await;
    admin
        .create_pool_of("ruled", with_rules(RULES, &["b"]))
        .await;
    let token = admin.create_lessee("search", "*").await;
    cluster.settled().await;
    let here = cluster.client(0, &token).await;
    let there = cluster.client(1, &token).await;
    let lease = here.lease("plain").await;
    let verdict = there.report(&lease, invoice()).await;
    assert_eq!(verdict.failure_class(), FailureClass::CallerFault);
    // The second replica learned of the rules by its poll, and of the lease by its id.
    let lease = here.lease("ruled").await;
    let verdict = there.report(&lease, invoice()).await;
    assert_eq!(verdict.failure_class(), FailureClass::Quota);
    assert_eq!(verdict.blame(), BlameScope::Account);
    let refused = there.refused(of("ruled")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    let hours = refused.retry.unwrap().as_secs() as f64 / 3_600.0;
    assert!((1.9..=2.0).contains(&hours), "{hours}");
    let status = admin.status("ruled").await;
    let cooldown = status.keys[0].account_cooldown.clone().unwrap();
    assert!(cooldown.why.contains("pool/invoice"), "{}", cooldown.why);
}

#[tokio::test]
async fn wrong_rules_are_refused_with_a_remedy_and_change_nothing() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin
        .create_pool_of("ruled", with_rules(RULES, &["a"]))
        .await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    let explodes = "text = ['(((a{99}){99}){99}){99}']";
    for (rules, words) in [
        ("hello".to_owned(), "line 1"),
        (
            RULES.replace("quota", "wait"),
            "rule invoice: class \"wait\" must be one of",
        ),
        (
            RULES.replace("2h", "1year"),
            "rule invoice: cooldown \"1year\" must be from 1s to 31days",
        ),
        (
            RULES.replace("status = [\"418\"]", explodes),
            "rule invoice: text: patterns",
        ),
        (
            format!("{RULES}#{}", "x".repeat(20_000)),
            "at most 16384 are allowed",
        ),
    ] {
        let status = update(&admin, &rules).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains(words), "{}", status.message());
        assert!(
            status.message().contains("pool.failure_rules"),
            "{}",
            status.message()
        );
    }
    let lease = caller.lease("ruled").await;
    let verdict = caller.report(&lease, invoice()).await;
    assert_eq!(verdict.failure_class(), FailureClass::Quota);
    let pool = update(&admin, "").await.unwrap();
    assert_eq!(pool.failure_rules, "");
}

/// Whatever a report carries, a pool's rules read as much of it as the built-in ones do.
#[tokio::test]
async fn hostile_reports_are_judged_by_them_up_to_the_bounds() {
    let rules = "version = 1\n[[rule]]\nid = \"b\"\ntext = ['(?:a|aa)+$', '(?:.*a){9}x', 'needle']\nclass = \"caller_fault\"";
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin
        .create_pool_of("ruled", with_rules(rules, &["a"]))
        .await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    let report = async |body: &[u8]| {
        let lease = caller.lease("ruled").await;
        let bomb = vec![("x-ratelimit-reset-requests", "9999999999999999999999s"); 200];
        let mut outcome = http(400, &bomb);
        if let Some(Seen::Http(answer)) = &mut outcome.result {
            answer.body = body.to_vec();
        }
        caller.report(&lease, outcome).await.failure_class()
    };
    let aaa = [b"<p>".to_vec(), vec![b'a'; 700_000]].concat();
    assert_eq!(report(&aaa).await, FailureClass::CallerFault);
    assert_eq!(
        report(b"\xff\xfe needle \xf0\x9f").await,
        FailureClass::CallerFault
    );
    let deep = "{\"error\":[".repeat(60_000);
    report(deep.as_bytes()).await;
    let key = admin.status("ruled").await.keys[0].clone();
    assert!(key.account_cooldown.is_none(), "{key:?}");
}

#[tokio::test]
async fn a_database_writer_neither_adds_changes_nor_removes_rules() {
    for (rules, edit) in [("", "version = 1"), (RULES, "version = 1"), (RULES, "")] {
        let raided = Raided::new().await;
        let admin = raided.cluster.admin().await;
        let pool = proto::UpdatePoolRequest {
            pool: Some(proto::Pool {
                name: "pools/pool-a".to_owned(),
                failure_rules: rules.to_owned(),
                ..Default::default()
            }),
            update_mask: mask(&["failure_rules"]),
            ..Default::default()
        };
        admin.admin.clone().update_pool(pool).await.unwrap();
        raided.cluster.settled().await;
        raided.honest.lease("pool-a").await;
        let edit =
            format!("update pools set failure_rules = nullif('{edit}', '') where id = 'pool-a'");
        raided.edit(&edit).await;
        let refused = raided.honest.refused(of("pool-a")).await;
        let refused = refused.is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
        assert_eq!(refused.count(RefusalReason::LimitUnread), 0);
        raided
            .notices("a row was changed outside of keylease")
            .await;
        raided.mallory.refused(of("pool-a")).await;
    }
}

/// As where a newer release has written rules and an older one serves on.
#[tokio::test]
async fn rules_of_a_newer_release_are_left_out_aloud_and_the_pool_serves() {
    let desk = Desk::open().await;
    let create = proto::CreatePoolRequest {
        pool_id: "p".to_owned(),
        pool: Some(proto::Pool::default()),
        ..Default::default()
    };
    answered(desk.admin.create_pool(desk.ask(create.clone())).await);
    let newer = PoolRules::stored("version = 2\nsomething = \"new\"".to_owned());
    let verb = UpdatePool {
        name: PoolName::parse("name", "pools/p").unwrap(),
        etag: String::new(),
        draft: PoolDraft {
            failure_rules: Some(Some(Arc::new(newer))),
            ..PoolDraft::default()
        },
    };
    let change = Change::by_system("UpdatePool", "a newer release");
    desk.vault.change(change, verb).await.unwrap();
    let snapshot = desk.vault.live().snapshot();
    assert_eq!(snapshot.pools.len(), 1, "the pool is still served");
    let get = proto::GetPoolRequest {
        name: "pools/p".to_owned(),
    };
    let pool = answered(desk.admin.get_pool(desk.ask(get)).await)
        .pool
        .unwrap();
    let distrust = pool.distrust.unwrap();
    assert_eq!(distrust.state(), DistrustState::Unreadable);
    assert!(
        distrust.why.contains("built-in rules judge alone"),
        "{}",
        distrust.why
    );
    assert!(pool.failure_rules.starts_with("version = 2"));
    // Whoever creates a pool like it here is told.
    let request = proto::CreatePoolRequest {
        pool_id: "q".to_owned(),
        pool: Some(proto::Pool {
            failure_rules: pool.failure_rules,
            ..Default::default()
        }),
        ..create
    };
    let refused = refused(desk.admin.create_pool(desk.ask(request)).await);
    assert_eq!(refused.fields, ["pool.failure_rules"]);
}
