//! How many cooldowns are kept: reports name what models they like, and what they leave behind has an end.

use std::time::Duration;

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{BlameScope, LeaseKeyRequest};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::http;

/// The most models of one account whose cooldowns are kept.
const KEPT: i64 = 256;
/// The most of them that one caller begins on one replica.
const CALLERS: i64 = 64;

fn for_model(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    }
}

async fn rate_limited(caller: &Client, model: &str, seconds: &str) {
    let lease = caller.ask(for_model(model)).await.unwrap();
    let mut limited = http(429, &[("retry-after", seconds)]);
    if let Some(Seen::Http(answer)) = &mut limited.result {
        // OpenAI's words for a budget of the model, not of the organisation.
        answer.body = br#"{"error": {"code": "rate_limit_exceeded", "type": "tokens",
            "message": "Rate limit reached for this model on tokens per min (TPM)"}}"#
            .to_vec();
    }
    let verdict = caller.report(&lease, limited).await;
    assert_eq!(verdict.blame(), BlameScope::AccountModel);
}

async fn stored(cluster: &Cluster) -> i64 {
    sqlx::query_scalar("select count(*) from cooldowns")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap()
}

async fn account_with_lessee(cluster: &Cluster) -> (Client, String) {
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    (cluster.client(0, &token).await, token)
}

/// Two replicas, since each knows only what a caller has begun with it.
#[tokio::test]
async fn models_that_a_lessee_makes_up_leave_room_for_those_of_others() {
    let cluster = Cluster::of(2).await;
    let (first, token) = account_with_lessee(&cluster).await;
    let other = cluster.admin().await.create_lessee("other", "p").await;
    cluster.settled().await;
    let second = cluster.client(1, &token).await;
    for number in 0..CALLERS + 20 {
        let (here, there) = (format!("here-{number}"), format!("there-{number}"));
        tokio::join!(
            rate_limited(&first, &here, "600"),
            rate_limited(&second, &there, "600")
        );
    }
    assert_eq!(stored(&cluster).await, 2 * CALLERS);
    // The account as a whole always has a place, and so have others' models.
    let other = cluster.client(0, &other).await;
    rate_limited(&other, "real", "60").await;
    cluster.settled().await;
    let refused = second.refused(for_model("real")).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    let lease = first.ask(of("p")).await.unwrap();
    first
        .report(&lease, http(429, &[("retry-after", "600")]))
        .await;
    assert_eq!(stored(&cluster).await, 2 * CALLERS + 2);
    cluster.settled().await;
    let refused = second.refused(for_model("another")).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
}

#[tokio::test]
async fn where_all_places_are_taken_what_ends_first_makes_room() {
    let cluster = Cluster::of(2).await;
    let (first, token) = account_with_lessee(&cluster).await;
    let admin = cluster.admin().await;
    rate_limited(&first, "real", "3600").await;
    for lessee in 0..KEPT / CALLERS {
        let token = admin.create_lessee(&format!("liar-{lessee}"), "p").await;
        cluster.settled().await;
        let liar = cluster.client(0, &token).await;
        for number in 0..CALLERS {
            rate_limited(&liar, &format!("of-{lessee}-{number}"), "600").await;
        }
    }
    assert_eq!(stored(&cluster).await, KEPT);
    // It ends before all others, and is news.
    rate_limited(&first, "news", "300").await;
    assert_eq!(stored(&cluster).await, KEPT);
    cluster.settled().await;
    for replica in 0..2 {
        let caller = cluster.client(replica, &token).await;
        for model in ["real", "news"] {
            let refused = caller.refused(for_model(model)).await;
            refused.is(Code::ResourceExhausted, "KEYS_COOLING");
        }
        caller.ask(for_model("of-0-0")).await.unwrap();
    }
}

#[tokio::test]
async fn what_has_ended_is_neither_read_nor_kept() {
    let mut cluster = Cluster::start().await;
    let (caller, token) = account_with_lessee(&cluster).await;
    rate_limited(&caller, "lasting", "600").await;
    rate_limited(&caller, "brief", "1").await;
    assert_eq!(stored(&cluster).await, 2);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    // The next one to be written makes room for itself.
    rate_limited(&caller, "brief-2", "1").await;
    assert_eq!(stored(&cluster).await, 2);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    // Chores are done at once by a replica that starts.
    cluster.add().await;
    let gone = async || stored(&cluster).await == 1;
    eventually("what has ended is gone", gone).await;
    let caller = cluster.client(1, &token).await;
    let refused = caller.refused(for_model("lasting")).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    caller.ask(for_model("brief")).await.unwrap();
}
