//! A budget that the provider counts by key and model: what one replica is told of it binds the fleet, outlives the replica, and ends at a
//! person's word.

use std::time::Duration;

use keylease::proto::{BlameScope, ClearHealthRequest, LeaseKeyRequest, Pool, Usage};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::{answered, http};
use crate::harness::setup::of_targets;

/// The reseller counts every model of every key by itself.
const RULES: &str = r#"
version = 1
[[rule]]
id = "by-key"
status = ["429"]
class = "rate_limit"
scope = "key_model"
"#;

fn for_model(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    }
}

async fn of_two() -> (Cluster, Client, [Client; 2]) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    let pool = Pool {
        failure_rules: RULES.to_owned(),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("p", pool).await;
    let token = admin.create_lessee("search", "*").await;
    cluster.settled().await;
    let callers = [
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ];
    (cluster, admin, callers)
}

/// The model is refused for about an hour, and another one is served.
async fn cools(caller: &Client) {
    let refused = caller.refused(for_model("m")).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    assert!(refused.retry.unwrap() > Duration::from_secs(3_000));
    caller.ask(for_model("other")).await.unwrap();
}

#[tokio::test]
async fn a_cooldown_of_a_model_of_a_key_binds_the_fleet_and_outlives_a_replica() {
    let (mut cluster, admin, [first, second]) = of_two().await;
    let lease = first.ask(for_model("m")).await.unwrap();
    let verdict = first
        .report(&lease, http(429, &[("retry-after", "3600")]))
        .await;
    assert_eq!(verdict.blame(), BlameScope::KeyModel);
    cools(&first).await;
    let status = admin.status("p").await;
    let [cooling] = status.model_cooldowns.as_slice() else {
        panic!("{status:?}");
    };
    assert_eq!(cooling.name, "accounts/a/keys/k/versions/1");
    assert_eq!(cooling.cooldown.as_ref().unwrap().model, "m");
    assert_eq!(status.keys_serving, 1, "it serves other models");
    cluster.settled().await;
    cools(&second).await;
    cluster.add().await;
    let token = admin.create_lessee("later", "*").await;
    cluster.settled().await;
    cools(&cluster.client(2, &token).await).await;
}

#[tokio::test]
async fn a_persons_word_ends_it_on_every_replica() {
    let (cluster, admin, [first, second]) = of_two().await;
    let lease = first.ask(for_model("m")).await.unwrap();
    first
        .report(&lease, http(429, &[("retry-after", "3600")]))
        .await;
    cluster.settled().await;
    cools(&second).await;
    let clear = ClearHealthRequest {
        name: "accounts/a/keys/k".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().clear_health(clear).await.unwrap();
    cluster.settled().await;
    for caller in [&first, &second] {
        caller.ask(for_model("m")).await.unwrap();
    }
    let left: i64 = sqlx::query_scalar("select count(*) from version_cooldowns")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_a_lease_without_a_model_meets_with_one_holds_for_that_one_and_for_such_leases() {
    let (cluster, admin, [first, second]) = of_two().await;
    let lease = first.lease("p").await;
    let limit = "{\"error\": {\"message\": \"Rate limit reached for m on tokens per min (TPM)\", \"code\": \"rate_limit_exceeded\"}}";
    let pool = Pool {
        failure_rules: RULES.replace("key_model", "account_model"),
        ..of_targets(&["a"])
    };
    admin.create_pool_of("whole", pool).await;
    cluster.settled().await;
    let whole = first.lease("whole").await;
    for (caller, lease) in [(&first, &lease), (&second, &whole)] {
        let mut outcome = answered(429, &[("retry-after", "3600")], limit);
        outcome.usage = Some(Usage {
            model: "m".to_owned(),
            ..Default::default()
        });
        caller.report(lease, outcome).await;
        cluster.settled().await;
        for caller in [&first, &second] {
            caller
                .refused(of("p"))
                .await
                .is(Code::ResourceExhausted, "KEYS_COOLING");
            cools(caller).await;
        }
        let clear = ClearHealthRequest {
            name: "accounts/a/keys/k".to_owned(),
            ..Default::default()
        };
        admin.admin.clone().clear_health(clear).await.unwrap();
        cluster.settled().await;
    }
}
