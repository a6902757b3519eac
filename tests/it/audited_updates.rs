//! What the audit says of an update: each field that changed, by its name in the contract, with its value.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use prost_types::Duration;

use crate::harness::desk::{Desk, answered, mask};

impl Desk {
    /// What is on record of the last update.
    async fn last_update(&self) -> String {
        let last = "select summary from audit_records where method like 'Update%' order by sequence desc limit 1";
        self.rows(last).await.remove(0)
    }

    async fn update_p(&self, pool: proto::Pool, paths: &[&str]) -> String {
        let request = self.ask(proto::UpdatePoolRequest {
            pool: Some(proto::Pool {
                name: "pools/p".to_owned(),
                ..pool
            }),
            update_mask: mask(paths),
            ..Default::default()
        });
        answered(self.admin.update_pool(request).await);
        self.last_update().await
    }
}

const fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

#[tokio::test]
async fn of_a_pool() {
    let desk = Desk::open().await;
    desk.account("a").await;
    desk.account("b").await;
    let request = desk.ask(proto::CreatePoolRequest {
        pool_id: "p".to_owned(),
        pool: Some(proto::Pool::default()),
        ..Default::default()
    });
    answered(desk.admin.create_pool(request).await);
    let off = proto::Pool {
        journal: proto::JournalMode::Off.into(),
        ..Default::default()
    };
    let told = desk.update_p(off, &["journal"]).await;
    assert_eq!(told, "updated: journal rollup -> off");
    let trusting = proto::Pool {
        health_policy: Some(proto::HealthPolicy {
            verdicts: proto::VerdictPolicy::Trust.into(),
            dead_ttl: seconds(90),
            ..Default::default()
        }),
        ..Default::default()
    };
    let told = desk.update_p(trusting, &["health_policy"]).await;
    let wanted =
        "updated: health_policy.dead_ttl unset -> 1m 30s; health_policy.verdicts confirm -> trust";
    assert_eq!(told, wanted);
    let member = |target: &str, weight| proto::PoolMember {
        target: target.to_owned(),
        tier: 1,
        weight,
    };
    let served = proto::Pool {
        members: vec![member("accounts/b", 3), member("accounts/a", 1)],
        failure_rules:
            "version = 1\n[[rule]]\nid = \"own\"\nstatus = [\"418\"]\nclass = \"unknown\"\n"
                .to_owned(),
        ..Default::default()
    };
    let told = desk.update_p(served, &["members", "failure_rules"]).await;
    let wanted =
        "updated: members [] -> [accounts/a, accounts/b (tier 1, weight 3)]; failure_rules changed";
    assert_eq!(told, wanted);
    let told = desk.update_p(proto::Pool::default(), &["labels"]).await;
    assert_eq!(told, "updated, nothing changed");
}

#[tokio::test]
async fn of_an_account() {
    let desk = Desk::open().await;
    let account = desk.account("a").await;
    let request = desk.ask(proto::UpdateAccountRequest {
        account: Some(proto::Account {
            name: account.name,
            base_url: "https://proxy.example/v1".to_owned(),
            labels: [("team".to_owned(), "x; y".to_owned())].into(),
            learned_limits: proto::LearnedLimitsPolicy::Adopt.into(),
            ..Default::default()
        }),
        update_mask: mask(&["base_url", "allowed_hosts", "labels", "learned_limits"]),
        ..Default::default()
    });
    answered(desk.admin.update_account(request).await);
    assert_eq!(
        desk.last_update().await,
        "updated: labels {} -> {\"team\": \"x; y\"}; base_url https://api.openai.com/v1 -> https://proxy.example/v1; \
         learned_limits alert -> adopt; allowed_hosts [\"api.openai.com\"] -> [\"proxy.example\"]; versions sealed anew for them: 0"
    );
}

#[tokio::test]
async fn of_a_key_and_a_limit() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let request = desk.ask(proto::CreateKeyRequest {
        parent: "accounts/a".to_owned(),
        key_id: "k".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.create_key(request).await);
    let request = desk.ask(proto::UpdateKeyRequest {
        key: Some(proto::Key {
            name: "accounts/a/keys/k".to_owned(),
            model_allow: vec!["gpt-*".to_owned()],
            rotation_policy: Some(proto::RotationPolicy {
                interval: seconds(7200),
            }),
            ..Default::default()
        }),
        update_mask: mask(&["*"]),
        ..Default::default()
    });
    answered(desk.admin.update_key(request).await);
    let wanted = "updated: model_allow [] -> [\"gpt-*\"]; rotation_policy.interval unset -> 2h";
    assert_eq!(desk.last_update().await, wanted);
    let window = proto::limit::Window::Rolling;
    let limit = |amount, length| proto::Limit {
        name: "accounts/a/limits/rpm".to_owned(),
        dimension: proto::LimitDimension::Requests.into(),
        amount,
        window: Some(window(Duration {
            seconds: length,
            nanos: 0,
        })),
        ..Default::default()
    };
    let request = desk.ask(proto::CreateLimitRequest {
        parent: "accounts/a".to_owned(),
        limit_id: "rpm".to_owned(),
        limit: Some(proto::Limit {
            name: String::new(),
            ..limit(600, 60)
        }),
        ..Default::default()
    });
    answered(desk.admin.create_limit(request).await);
    let request = desk.ask(proto::UpdateLimitRequest {
        limit: Some(limit(900, 30)),
        update_mask: mask(&["amount", "rolling"]),
        ..Default::default()
    });
    answered(desk.admin.update_limit(request).await);
    let wanted = "updated: amount 600 -> 900; rolling per 1m -> per 30s";
    assert_eq!(desk.last_update().await, wanted);
}
