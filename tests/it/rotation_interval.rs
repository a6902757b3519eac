//! What a pool sets, its accounts and their keys inherit, and every answer shows.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;

use crate::harness::desk::{Desk, answered};

/// Whole seconds of the interval in force.
fn seconds(policy: Option<proto::RotationPolicy>) -> i64 {
    policy.unwrap().interval.unwrap().seconds
}

#[tokio::test]
async fn the_interval_in_force_is_the_same_on_account_key_and_pool() {
    let desk = Desk::with_key().await;
    let account = async || {
        let name = "accounts/a".to_owned();
        let request = desk.ask(proto::GetAccountRequest { name });
        answered(desk.admin.get_account(request).await)
            .account
            .unwrap()
    };
    assert_eq!(seconds(account().await.rotation_policy), 168 * 3_600);
    let interval = prost_types::Duration {
        seconds: 24 * 3_600,
        nanos: 0,
    };
    let request = desk.ask(proto::CreatePoolRequest {
        pool_id: "p".to_owned(),
        pool: Some(proto::Pool {
            members: vec![proto::PoolMember {
                target: "accounts/a".to_owned(),
                ..Default::default()
            }],
            rotation_policy: Some(proto::RotationPolicy {
                interval: Some(interval),
            }),
            ..Default::default()
        }),
        ..Default::default()
    });
    let pool = answered(desk.admin.create_pool(request).await)
        .pool
        .unwrap();
    assert_eq!(seconds(pool.rotation_policy), 24 * 3_600);
    assert_eq!(seconds(desk.key().await.rotation_policy), 24 * 3_600);
    assert_eq!(seconds(account().await.rotation_policy), 24 * 3_600);
    let request = desk.ask(proto::ListAccountsRequest::default());
    let listed = answered(desk.admin.list_accounts(request).await).accounts;
    assert_eq!(seconds(listed[0].rotation_policy), 24 * 3_600);
}
