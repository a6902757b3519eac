//! What alerts are raised about, by what is done to keys, pools and rows.

use std::time::Duration;

use keylease::proto::{
    self, Alert, AlertKind, AlertSeverity, BlameScope, HealthPolicy, LeaseKeyRequest, Pool,
};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually, eventually_some};
use crate::harness::outcomes::{answered, http};
use crate::harness::raided::Raided;
use crate::harness::setup::{MINUTE, of_targets, requests};
use crate::harness::stating::{hear, stating};

pub(crate) async fn open(admin: &Client) -> Vec<Alert> {
    let request = proto::ListAlertsRequest {
        open_only: true,
        ..Default::default()
    };
    let answer = admin.admin.clone().list_alerts(request).await;
    answer.unwrap().into_inner().alerts
}

async fn opened(admin: &Client, kind: AlertKind) -> Alert {
    let find = async || {
        let alerts = open(admin).await;
        alerts.into_iter().find(|alert| alert.kind() == kind)
    };
    eventually_some(kind.as_str_name(), find).await
}

#[tokio::test]
async fn a_pool_tells_when_it_has_fewer_healthy_keys_than_wanted_then_one_then_none_and_until_when()
{
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    for account in ["a", "b", "c"] {
        admin.create_account_and_key(account).await;
    }
    let wanting = Pool {
        health_policy: Some(HealthPolicy {
            healthy_keys_min: 3,
            ..Default::default()
        }),
        ..of_targets(&["a", "b", "c"])
    };
    admin.create_pool_of("p", wanting).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    let cool = async || {
        let lease = caller.lease("p").await;
        caller
            .report(&lease, http(429, &[("retry-after", "600")]))
            .await;
    };
    cool().await;
    let few = opened(&admin, AlertKind::FewHealthyKeys).await;
    assert_eq!(few.resource, "pools/p");
    assert!(
        few.summary
            .contains("2 healthy of 3 keys, and wants at least 3: 1 cooling"),
        "{}",
        few.summary
    );
    assert_eq!(open(&admin).await.len(), 1);
    cool().await;
    let last = opened(&admin, AlertKind::LastHealthyKey).await;
    assert!(
        last.summary.contains("1 healthy key of 3"),
        "{}",
        last.summary
    );
    cool().await;
    let exhausted = opened(&admin, AlertKind::PoolExhausted).await;
    assert_eq!(exhausted.severity(), AlertSeverity::Critical);
    let until = exhausted.until.unwrap().seconds - exhausted.open_time.unwrap().seconds;
    assert!((500..=600).contains(&until), "{until}");
    // What is worse ends nothing.
    let kinds: Vec<_> = open(&admin).await.iter().map(Alert::kind).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[tokio::test]
async fn a_pool_whose_daily_limit_is_spent_is_exhausted_until_it_is_not() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin
        .create_limit("a", requests(2, Duration::from_hours(24)))
        .await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    let caller = cluster.client(0, &token).await;
    caller.lease("p").await;
    caller.lease("p").await;
    let exhausted = opened(&admin, AlertKind::PoolExhausted).await;
    let text = "of 1 key 1 out of a limit of their account";
    assert!(exhausted.summary.contains(text), "{}", exhausted.summary);
    let until = exhausted.until.unwrap().seconds - exhausted.open_time.unwrap().seconds;
    assert!(until > 23 * 3_600, "{until}");
    assert_eq!(open(&admin).await.len(), 1);
}

#[tokio::test]
async fn a_pool_that_can_serve_one_model_no_more_is_told_until_when() {
    let (_cluster, admin, caller) = Cluster::serving(&["a", "b"], "p").await;
    let wish = |model: &str| LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    };
    let spent = "{\"error\": {\"code\": \"rate_limit_exceeded\", \"type\": \"tokens\",
        \"message\": \"Rate limit reached for this model on tokens per day (TPD)\"}}";
    for _ in 0..2 {
        let lease = caller.ask(wish("m")).await.unwrap();
        let spent = answered(429, &[("retry-after", "7200")], spent);
        let verdict = caller.report(&lease, spent).await;
        assert_eq!(verdict.blame(), BlameScope::AccountModel);
    }
    caller
        .refused(wish("m"))
        .await
        .is(Code::ResourceExhausted, "KEYS_COOLING");
    let exhausted = opened(&admin, AlertKind::PoolExhausted).await;
    assert!(
        exhausted.summary.contains("can serve model m"),
        "{}",
        exhausted.summary
    );
    let until = exhausted.until.unwrap().seconds - exhausted.open_time.unwrap().seconds;
    assert!(until > 6_000, "{until}");
    caller.ask(wish("n")).await.unwrap();
    // What the account lacks is told besides.
    let spent = opened(&admin, AlertKind::QuotaSpent).await;
    let text = "has spent a quota for model m";
    assert!(spent.summary.contains(text), "{}", spent.summary);
    let all = async || open(&admin).await.len() == 3;
    eventually("both accounts are told of, and the pool", all).await;
}

#[tokio::test]
async fn a_limit_that_the_provider_states_otherwise_is_told_once() {
    let (_cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    admin.create_limit("a", requests(1_000, MINUTE)).await;
    for model in ["gpt-5", "gpt-5", "gpt-6", "gpt-6"] {
        hear(&caller, model, stating(500)).await;
    }
    let differs = opened(&admin, AlertKind::LimitDiffers).await;
    assert_eq!(differs.resource, "accounts/a/limits/l1000");
    let text = "is 1000, and the provider states 500";
    assert!(differs.summary.contains(text), "{}", differs.summary);
    assert_eq!(open(&admin).await.len(), 1);
}

#[tokio::test]
async fn rotations_that_come_near_and_pass_are_told_by_key() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    // The default interval is a week.
    raided
        .edit(
            "update key_versions v set promote_time = now() - case a.id when 'a' then interval '8 days' else interval '6 days 12 hours' end
            from keys k join accounts a on a.uid = k.account_uid where k.uid = v.key_uid",
        )
        .await;
    let overdue = opened(&admin, AlertKind::RotationOverdue).await;
    assert_eq!(overdue.resource, "accounts/a/keys/k");
    assert_eq!(overdue.severity(), AlertSeverity::Warning);
    let due = opened(&admin, AlertKind::RotationDue).await;
    assert_eq!(due.resource, "accounts/b/keys/k");
    assert_eq!(due.severity(), AlertSeverity::Info);
    assert_eq!(open(&admin).await.len(), 2);
}

#[tokio::test]
async fn secrets_that_do_not_open_and_rows_that_are_not_ours_are_told() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    raided
        .edit("update secrets set ciphertext = set_byte(ciphertext, 3, get_byte(ciphertext, 3) # 1)
            where version_uid in (select v.uid from key_versions v join keys k on k.uid = v.key_uid join accounts a on a.uid = k.account_uid where a.id = 'a')")
        .await;
    let closed = opened(&admin, AlertKind::KeyUndecryptable).await;
    assert_eq!(closed.resource, "accounts/a/keys/k/versions/1");
    assert_eq!(closed.severity(), AlertSeverity::Critical);
    let exhausted = opened(&admin, AlertKind::PoolExhausted).await;
    assert_eq!(exhausted.resource, "pools/pool-a");
    assert_eq!(exhausted.until, None);
    raided
        .edit("update accounts set base_url = 'https://evil.example' where id = 'b'")
        .await;
    let rows = opened(&admin, AlertKind::RowsDistrusted).await;
    assert_eq!(rows.resource, "account");
    assert!(!rows.summary.contains("evil"));
}

#[tokio::test]
async fn hundreds_of_dead_keys_of_an_account_are_one_alert() {
    let raided = Raided::new().await;
    let admin = raided.cluster.admin().await;
    // Of no pool: keys that die together in one are told of under the pool.
    admin.create_account("c", "").await;
    for n in 0..13 {
        admin
            .create_key("c", &format!("k{n}"), &format!("sk-c-{n}"))
            .await;
    }
    raided
        .edit("update key_versions v set health = 'dead', health_until = now() + interval '1 day', health_why = 'x', health_class = 'credential'
            from keys k join accounts a on a.uid = k.account_uid where k.uid = v.key_uid and a.id = 'c'")
        .await;
    let died = opened(&admin, AlertKind::KeyDied).await;
    assert_eq!(died.resource, "accounts/c");
    assert!(
        died.summary.starts_with("13 keys of accounts/c are dead"),
        "{}",
        died.summary
    );
    let counted = async || open(&admin).await.len() == 1;
    eventually("the keys are told, and nothing else", counted).await;
}

#[tokio::test]
async fn who_may_read_lists_alerts_and_who_operates_tries_receivers() {
    let raided = Raided::new().await;
    let status = raided
        .honest
        .admin
        .clone()
        .list_alerts(proto::ListAlertsRequest::default())
        .await;
    assert_eq!(status.unwrap_err().code(), Code::PermissionDenied);
    let status = raided
        .honest
        .admin
        .clone()
        .send_test_alert(proto::SendTestAlertRequest {})
        .await;
    assert_eq!(status.unwrap_err().code(), Code::PermissionDenied);
    let admin = raided.cluster.admin().await;
    let answer = admin
        .admin
        .clone()
        .send_test_alert(proto::SendTestAlertRequest {})
        .await;
    let tried = answer.unwrap().into_inner().deliveries;
    assert_eq!(tried.len(), 1);
    assert!(tried[0].delivered && tried[0].sink == "log");
}
