//! One account with many keys: its limits are its own, and are asked for once, however many keys there are.

use keylease::proto::{self, RefusalReason};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually_some};
use crate::harness::setup::{MINUTE, requests, secret};

const KEYS: usize = 2_000;
/// What one call may import.
const KEYS_PER_CALL: usize = 1_000;

impl Client {
    async fn import_keys(&self, account: &str) {
        let keys: Vec<_> = (0..KEYS)
            .map(|number| proto::ImportedKey {
                key_id: format!("k{number}"),
                key: None,
                secret: Some(secret(&format!("sk-{account}-{number}"))),
            })
            .collect();
        for keys in keys.chunks(KEYS_PER_CALL) {
            let account = proto::ImportedAccount {
                account_id: account.to_owned(),
                account: Some(proto::Account {
                    provider_profile: "openai".to_owned(),
                    ..Default::default()
                }),
                keys: keys.to_vec(),
                limits: Vec::new(),
            };
            let request = proto::ImportKeysRequest {
                accounts: vec![account],
                ..Default::default()
            };
            self.admin.clone().import_keys(request).await.unwrap();
        }
    }
}

/// A cluster with the pool `p` of one account, `a`, that has many keys and one limit of so many requests a minute.
async fn of_many(amount: i64) -> (Cluster, Client) {
    let (cluster, admin, caller) = Cluster::serving(&[], "*").await;
    admin.import_keys("a").await;
    admin.create_limit("a", requests(amount, MINUTE)).await;
    admin.create_pool("p-of-many", &["a"]).await;
    cluster.settled().await;
    (cluster, caller)
}

#[tokio::test]
async fn a_used_up_limit_refuses_every_key_of_its_account_and_each_is_counted() {
    let (_cluster, caller) = of_many(3).await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(caller.lease("p-of-many").await.key);
    }
    keys.dedup();
    assert_eq!(keys.len(), 3, "they take turns: {keys:?}");
    let refused = caller.refused(of("p-of-many")).await;
    let refused = refused.is(Code::ResourceExhausted, "LIMIT_EXHAUSTED");
    let (limited, all) = (refused.count(RefusalReason::Limit), refused.total());
    assert_eq!((limited, all), (2_000, 2_000));
    assert_eq!(refused.quotas.len(), 1, "{:?}", refused.quotas);
}

#[tokio::test]
async fn a_call_asks_for_what_it_needs_and_not_for_as_much_for_each_key() {
    let (cluster, caller) = of_many(1_000_000).await;
    caller.lease("p-of-many").await;
    let returned = "keylease_units_returned_total{account=\"a\",limit=\"l1000000\"}";
    let replica = &cluster.replicas[0];
    let returned = eventually_some("a block is given back", async || {
        let returned = replica.metric(returned).await?;
        (returned > 0.0).then_some(returned)
    });
    // A machine that is slow has to ask a few times.
    let returned = returned.await;
    assert!(returned < 20.0, "{returned} units were asked for in vain");
}
