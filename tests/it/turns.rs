//! How the keys of a tier take turns.

use std::sync::Arc;

use keylease::domain::caller::{Bearer, Grant};
use keylease::domain::models::Pattern;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;

use crate::harness::desk::{Desk, answered, caller, vouched};

impl Desk {
    /// A pool of the keys of `a` in the first tier and those of `b` in the second, with two keys each.
    async fn two_tiers(&self) {
        let member = |account: &str, tier| proto::PoolMember {
            target: format!("accounts/{account}"),
            tier,
            ..Default::default()
        };
        for account in ["a", "b"] {
            self.account(account).await;
            for key in ["k1", "k2"] {
                let secret = format!("sk-{account}-{key}");
                self.create_key(account, key, &secret).await.unwrap();
            }
        }
        let request = self.ask(proto::CreatePoolRequest {
            pool_id: "p".to_owned(),
            pool: Some(proto::Pool {
                members: vec![member("a", 1), member("b", 2)],
                ..Default::default()
            }),
            ..Default::default()
        });
        answered(self.admin.create_pool(request).await);
    }

    /// The key of the next lease of `p`, as `account/key`.
    async fn next_key(&self, lessee: &Bearer) -> String {
        let lease = self.lease_of(1, lessee).await.unwrap();
        format!("{}/{}", lease.key.account, lease.key.key)
    }
}

#[tokio::test]
async fn keys_of_a_backup_tier_take_turns_while_the_first_tier_serves_nothing() {
    let desk = Desk::open().await;
    desk.two_tiers().await;
    let pattern = Pattern::parse("pool_pattern", "*").unwrap();
    let lessee = vouched(Arc::new(caller(vec![Grant::Lessee(pattern)])));
    let mut keys = Vec::new();
    for _ in 0..4 {
        keys.push(desk.next_key(&lessee).await);
    }
    assert_eq!(keys, ["a/k1", "a/k2", "a/k1", "a/k2"]);

    let request = desk.ask(proto::DisableAccountRequest {
        name: "accounts/a".to_owned(),
        why: "its keys leaked".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.disable_account(request).await);
    keys.clear();
    for _ in 0..4 {
        keys.push(desk.next_key(&lessee).await);
    }
    assert_eq!(keys, ["b/k1", "b/k2", "b/k1", "b/k2"]);
}
