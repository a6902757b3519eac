//! Retry tokens: what a report blamed is avoided everywhere, before the news has spread; and they are good for one caller, for a time.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use keylease::crypto::{BootId, KeyRing};
use keylease::domain::claims::RetryClaims;
use keylease::domain::time::Timestamp;
use keylease::proto::{self, AdviceAction, BlameScope, LeaseKeyRequest, RefusalReason};
use keylease::vault::{Ids, VaultKeys};
use tonic::Code;
use uuid::Uuid;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::judged::NAMELESS;
use crate::harness::outcomes::{http, retry_token};
use crate::harness::setup::of_targets;

fn with(token: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        retry_token: token.to_owned(),
        ..of("p")
    }
}

/// Two replicas and the pool `p`: the account `a` with two keys, and the account `b` with one.
async fn of_three_keys() -> (Cluster, Client, Client, Client) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    admin.create_key("a", "other", "sk-a-other").await;
    let nameless = proto::Pool {
        failure_rules: NAMELESS.to_owned(),
        ..of_targets(&["a", "b"])
    };
    admin.create_pool_of("p", nameless).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let (first, second) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    (cluster, admin, first, second)
}

#[tokio::test]
async fn what_was_blamed_is_avoided_on_every_replica_and_over_all_attempts() {
    let (_cluster, admin, first, second) = of_three_keys().await;
    let lease = first.lease("p").await;
    // A failure that nobody can name says nothing to the fleet; only the token does.
    let verdict = first.report(&lease, http(418, &[])).await;
    assert_eq!(verdict.blame(), BlameScope::Key);
    let advice = verdict.advice.clone().unwrap();
    assert_eq!(advice.action(), AdviceAction::RetryOtherKey);
    let mut avoided = vec![lease.key];
    let mut token = retry_token(&verdict);
    for (attempt, caller) in [(1, &second), (2, &first)] {
        for _ in 0..6 {
            let lease = caller.ask(with(&token)).await.unwrap();
            assert!(
                !avoided.contains(&lease.key),
                "attempt {attempt}: {avoided:?}"
            );
        }
        let lease = caller.ask(with(&token)).await.unwrap();
        let verdict = caller.report(&lease, http(418, &[])).await;
        if attempt == 1 {
            token = retry_token(&verdict);
        } else {
            // Nothing is left that was not blamed.
            let advice = verdict.advice.unwrap();
            assert_eq!(advice.action(), AdviceAction::RetrySameLater);
            assert!(advice.retry_token.is_empty() && advice.after.is_some());
        }
        avoided.push(lease.key);
    }
    admin.disable_key(&avoided[2]).await;
    let refused = first.refused(with(&token)).await;
    let refused = refused.is(Code::ResourceExhausted, "KEYS_AVOIDED");
    assert_eq!(
        (refused.count(RefusalReason::Avoided), refused.total()),
        (2, 3)
    );
    assert!(refused.retry.is_some());
    second.lease("p").await;
}

#[tokio::test]
async fn a_rate_limit_blames_the_account_and_so_avoids_all_its_keys() {
    let (_cluster, _admin, first, second) = of_three_keys().await;
    let lease = loop {
        let lease = first.lease("p").await;
        if lease.account == "accounts/a" {
            break lease;
        }
    };
    let verdict = first.report(&lease, http(429, &[])).await;
    assert_eq!(verdict.blame(), BlameScope::Account);
    for _ in 0..4 {
        let lease = second.ask(with(&retry_token(&verdict))).await.unwrap();
        assert_eq!(lease.account, "accounts/b");
    }
}

#[tokio::test]
async fn a_token_of_another_caller_a_forged_one_and_an_expired_one_are_refused_alike() {
    let (cluster, admin, caller, _) = of_three_keys().await;
    let lease = caller.lease("p").await;
    let verdict = caller.report(&lease, http(418, &[])).await;
    let good = retry_token(&verdict);
    caller.ask(with(&good)).await.unwrap();

    let token = admin.create_lessee("other", "p").await;
    let other = cluster.client(0, &token).await;
    let mut refused = vec![other.refused(with(&good)).await];
    let expired = sealed(&cluster, "search", -1).await;
    let lease_id = lease.lease_id.clone();
    for bad in [
        "x".to_owned(),
        flipped(&good),
        good[..40].to_owned(),
        lease_id,
        expired,
    ] {
        refused.push(caller.refused(with(&bad)).await);
    }
    for refused in &refused {
        let refused = refused
            .clone()
            .is(Code::InvalidArgument, "RETRY_TOKEN_INVALID");
        assert_eq!(refused.fields, ["retry_token"]);
    }
    refused.dedup();
    assert_eq!(refused.len(), 1);
    // The same token, but not expired: so it was that.
    let fresh = sealed(&cluster, "search", 60).await;
    caller.ask(with(&fresh)).await.unwrap();
}

/// With one character changed.
fn flipped(token: &str) -> String {
    let (before, after) = token.split_at(token.len() / 2);
    let other = if after.starts_with('A') { 'B' } else { 'A' };
    format!("{before}{other}{}", &after[1..])
}

/// A token that avoids nothing, made with the keys of the cluster, and ends so many seconds from now.
async fn sealed(cluster: &Cluster, caller: &str, ends_seconds: i64) -> String {
    let text = fs::read_to_string(cluster.master_key()).unwrap();
    let ring = KeyRing::parse(&text).unwrap();
    let keys = VaultKeys::open(&cluster.database.pool, ring).await.unwrap();
    let caller_uid: Uuid = sqlx::query_scalar("select uid from callers where id = $1")
        .bind(caller)
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_micros()).unwrap();
    let claims = RetryClaims {
        ends: Timestamp::from_micros(now + ends_seconds * 1_000_000),
        ..RetryClaims::nothing(caller_uid)
    };
    let ids = Ids::new(&keys.cluster, BootId::generate().unwrap());
    ids.seal_retry(&claims.encode()).unwrap()
}
