//! Leases of keys that move to another account.

use keylease::proto;
use keylease::proto::LeaseKeyRequest;
use tonic::Code;

use crate::concurrency::concurrency;
use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::outcomes::{http, not_sent};
use crate::harness::refusal::Refusal;
use crate::harness::setup::{MINUTE, requests};
use crate::moved_keys::moving;
use crate::renewals::renew;

/// Two accounts with a key and a limit each, and the pool `p` of the first one's key; `b` is reached at another host.
async fn two_accounts() -> (Cluster, Client, Vec<Client>) {
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    for (account, url, amount) in [
        ("a", "https://a.example", 100),
        ("b", "https://b.example", 2),
    ] {
        admin.create_account(account, url).await;
        admin.create_limit(account, requests(amount, MINUTE)).await;
    }
    admin.create_key("a", "moved", "sk-of-the-moved-key").await;
    admin.create_pool("p", &["a/moved"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let callers = vec![
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ];
    (cluster, admin, callers)
}

#[tokio::test]
async fn leases_of_a_moved_key_count_where_it_is_now() {
    let (cluster, admin, callers) = two_accounts().await;
    let before = callers[1].lease("p").await;
    assert_eq!(before.account, "accounts/a");
    let request = moving("accounts/a/keys/moved", "accounts/b");
    let moved = admin.admin.clone().move_key(request).await.unwrap();
    let moved = moved.into_inner().key.unwrap();
    assert_eq!(moved.name, "accounts/b/keys/moved");
    cluster.settled().await;
    for caller in &callers {
        let lease = caller.lease("p").await;
        let credential = lease.credential.unwrap();
        assert_eq!(
            (lease.account.as_str(), credential.base_url.as_str()),
            ("accounts/b", "https://b.example")
        );
        let header = &credential.headers[0];
        assert!(header.value.contains("sk-of-the-moved-key"));
    }
    for caller in &callers {
        let refused = caller.refused(of("p")).await;
        refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    }
    // What was leased before gives back where it was taken from.
    let report = reporting(&before, vec![not_sent()]);
    callers[1].tell(report).await.unwrap();
    let query = "select coalesce(sum(b.units), 0)::bigint from limit_blocks b join limits l on l.uid = b.limit_uid \
        join accounts a on a.uid = l.owner_uid where a.id = 'a'";
    let is_back = async || {
        let units = sqlx::query_scalar::<_, i64>(query).fetch_one(&cluster.database.pool);
        units.await.unwrap() == 0
    };
    eventually("nothing is charged to the first account", is_back).await;
    let gone = proto::GetKeyRequest {
        name: "accounts/a/keys/moved".to_owned(),
    };
    let gone = admin.admin.clone().get_key(gone).await.unwrap_err();
    Refusal::of(&gone).is(Code::NotFound, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn what_was_leased_before_is_not_given_again_and_still_tells_of_the_key() {
    let (cluster, admin, callers) = two_accounts().await;
    let named = LeaseKeyRequest {
        request_id: "1c0e7a34-6a0e-4b7e-9d5e-0b5a8a1de001".to_owned(),
        ..of("p")
    };
    let before = callers[0].ask(named.clone()).await.unwrap();
    let request = moving("accounts/a/keys/moved", "accounts/b");
    admin.admin.clone().move_key(request).await.unwrap();
    cluster.settled().await;
    // The limits of the first account would count a use at the second.
    let again = callers[0].refused(named).await;
    again.is(Code::FailedPrecondition, "REQUEST_ID_SPENT");
    let delete = proto::DeleteAccountRequest {
        name: "accounts/a".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_account(delete).await.unwrap();
    cluster.settled().await;
    let verdict = callers[0].report(&before, http(401, &[])).await;
    assert_ne!(verdict.health.unwrap().state(), proto::HealthState::Active);
    let refused = callers[0].refused(of("p")).await;
    assert_eq!(refused.code, Code::ResourceExhausted, "{refused:?}");
}

/// Where its key is now, nothing counts what it holds.
#[tokio::test]
async fn a_lease_of_a_moved_key_is_not_renewed_under_a_limit_of_what_is_held() {
    let (_cluster, admin, callers) = two_accounts().await;
    let lease = callers[0].lease("p").await;
    admin.create_limit("b", concurrency(7, MINUTE)).await;
    renew(&callers[0], &lease.lease_id, None).await.unwrap();
    let request = moving("accounts/a/keys/moved", "accounts/b");
    admin.admin.clone().move_key(request).await.unwrap();
    for caller in &callers {
        let no = renew(caller, &lease.lease_id, None).await.unwrap_err();
        no.is(Code::FailedPrecondition, "LEASE_SPENT");
    }
}
