//! What ended by itself is not shown as if it were still in force, by whatever is read.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;

use crate::harness::desk::{Desk, answered};
use crate::harness::keys::KEY;

/// How many say that they are disabled: one read by name, all listed, and those listed as disabled.
macro_rules! disabled {
    ($desk:ident, $get:ident, $get_request:ident, $one:ident, $name:expr,
        $list:ident, $list_request:ident, $all:ident $(, $parent:ident)?) => {{
        let name = $name.to_owned();
        let got = $desk.admin.$get($desk.ask(proto::$get_request { name })).await;
        let mut counts = vec![usize::from(answered(got).$one.unwrap().disablement.is_some())];
        for filter in ["", "state=disabled"] {
            let request = proto::$list_request {
                filter: filter.to_owned(),
                $($parent: "accounts/a".to_owned(),)?
                ..Default::default()
            };
            let all = answered($desk.admin.$list($desk.ask(request)).await).$all;
            counts.push(all.iter().filter(|one| one.disablement.is_some()).count());
        }
        counts
    }};
}

/// Of accounts, keys, pools and callers.
#[rustfmt::skip]
async fn disabled(desk: &Desk) -> [Vec<usize>; 4] {
    [
        disabled!(desk, get_account, GetAccountRequest, account, "accounts/a", list_accounts, ListAccountsRequest, accounts),
        disabled!(desk, get_key, GetKeyRequest, key, KEY, list_keys, ListKeysRequest, keys, parent),
        disabled!(desk, get_pool, GetPoolRequest, pool, "pools/p", list_pools, ListPoolsRequest, pools),
        disabled!(desk, get_caller, GetCallerRequest, caller, "callers/c", list_callers, ListCallersRequest, callers),
    ]
}

async fn pool_and_caller(desk: &Desk) {
    let request = desk.ask(proto::CreatePoolRequest {
        pool_id: "p".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.create_pool(request).await);
    let request = desk.ask(proto::CreateCallerRequest {
        caller_id: "c".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.create_caller(request).await);
}

/// Disables one of each kind until then, in the words of SQL.
async fn disable(desk: &Desk, until: &str) {
    for table in ["accounts", "keys", "pools", "callers"] {
        let word = format!(
            "update {table} set disabled_why = 'audit', disabled_since = now() - interval '1 h', disabled_until = {until},
                disabled_by = 'callers/root'"
        );
        desk.sql(&word).await;
    }
}

#[tokio::test]
async fn a_disablement_that_has_ended_is_not_shown() {
    let desk = Desk::with_key().await;
    pool_and_caller(&desk).await;
    disable(&desk, "now() + interval '1 h'").await;
    assert_eq!(disabled(&desk).await, [[1, 1, 1]; 4]);
    disable(&desk, "now() - interval '1 ms'").await;
    assert_eq!(disabled(&desk).await, [[0, 0, 0]; 4]);
}

#[tokio::test]
async fn a_version_whose_cooling_has_ended_is_active_and_one_whose_death_has_is_not() {
    let desk = Desk::with_key().await;
    for (health, is) in [
        ("cooling", proto::HealthState::Active),
        ("dead", proto::HealthState::Dead),
    ] {
        let word = format!(
            "update key_versions set health = '{health}', health_until = now() - interval '1 ms', health_class = 'unknown'"
        );
        desk.sql(&word).await;
        let listed = desk.versions().await.remove(0).health.unwrap();
        let name = format!("{KEY}/versions/1");
        let request = desk.ask(proto::GetKeyVersionRequest { name });
        let got = answered(desk.admin.get_key_version(request).await);
        let got = got.key_version.unwrap().health.unwrap();
        assert_eq!([listed.state(), got.state()], [is; 2], "{health}");
    }
}
