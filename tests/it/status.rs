//! GetStatus and WatchStatus: the database's part of it.

use std::time::Duration;

use keylease::domain::caller::Grant;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use keylease::proto::limit::Window;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::Code;

use crate::harness::desk::{Desk, answered, refused};
use crate::harness::keys::{as_caller, identity};

impl Desk {
    /// A pool of the accounts `a` (keys `k1` and `k2`, tier 1) and of the key `b/k` (tier 2, weight 3).
    async fn status_pool(&self) {
        for account in ["a", "b"] {
            self.account(account).await;
        }
        for (account, key) in [("a", "k2"), ("a", "k1"), ("b", "k"), ("b", "outside")] {
            self.create_key(account, key, &format!("sk-{account}-{key}"))
                .await
                .unwrap();
        }
        let member = |target: &str, tier, weight| proto::PoolMember {
            target: target.to_owned(),
            tier,
            weight,
        };
        let request = self.ask(proto::CreatePoolRequest {
            pool_id: "p".to_owned(),
            pool: Some(proto::Pool {
                members: vec![
                    member("accounts/b/keys/k", 2, 3),
                    member("accounts/a", 1, 1),
                ],
                ..Default::default()
            }),
            ..Default::default()
        });
        answered(self.admin.create_pool(request).await);
    }

    async fn status(&self) -> proto::PoolStatus {
        let request = self.ask(proto::GetStatusRequest {
            pool: "pools/p".to_owned(),
        });
        let answer = answered(self.admin.get_status(request).await);
        answer.status.unwrap()
    }
}

fn counts(status: &proto::PoolStatus) -> [i32; 4] {
    [
        status.keys_serving,
        status.keys_cooling,
        status.keys_dead,
        status.keys_disabled,
    ]
}

#[tokio::test]
async fn a_pool_shows_its_keys_in_the_order_of_tier_then_name() {
    let desk = Desk::open().await;
    desk.status_pool().await;
    let status = desk.status().await;
    let names: Vec<_> = status
        .keys
        .iter()
        .map(|key| (key.key.as_str(), key.tier, key.weight))
        .collect();
    assert_eq!(
        names,
        [
            ("accounts/a/keys/k1", 1, 1),
            ("accounts/a/keys/k2", 1, 1),
            ("accounts/b/keys/k", 2, 3),
        ]
    );
    assert_eq!(counts(&status), [3, 0, 0, 0]);
    let version = &status.keys[0].versions[0];
    assert_eq!(version.version, "accounts/a/keys/k1/versions/1");
    assert_eq!(version.stage(), proto::VersionStage::Current);
    assert!(!status.keys[0].rotation_overdue);
    assert!(status.keys[0].next_rotation_time.is_some());
}

#[tokio::test]
async fn health_cooldowns_and_disablements_are_told_apart_and_end_by_themselves() {
    let desk = Desk::open().await;
    desk.status_pool().await;
    desk
        .sql(
            "update key_versions set health = 'dead', health_until = now() + interval '1 day', health_class = 'credential'
            where key_uid = (select uid from keys where id = 'k1');
            update key_versions set health = 'cooling', health_until = now() - interval '1 s', health_class = 'unknown'
            where key_uid = (select uid from keys where id = 'k2');
            insert into cooldowns (account_uid, rev, until, why, class)
            select uid, 1, now() + interval '1 minute', 'slow down', 'rate_limit' from accounts where id = 'b';
            insert into cooldowns (account_uid, model, rev, until, why, class)
            select uid, 'gpt-5', 1, now() + interval '1 day', 'spent', 'quota' from accounts where id = 'a';
            update key_versions set promote_time = now() - interval '8 days'
            where key_uid = (select uid from keys where id = 'k')",
        )
        .await;
    let status = desk.status().await;
    assert_eq!(counts(&status), [1, 1, 1, 0]);
    let health = |i: usize| status.keys[i].versions[0].health.clone().unwrap();
    assert_eq!(health(0).state(), proto::HealthState::Dead);
    assert_eq!(health(0).failure_class(), proto::FailureClass::Credential);
    assert_eq!(health(1).state(), proto::HealthState::Active);
    assert_eq!(
        status.keys[2].account_cooldown.as_ref().unwrap().why,
        "slow down"
    );
    assert!(status.keys[2].rotation_overdue);
    let [model] = status.model_cooldowns.as_slice() else {
        panic!("{status:?}");
    };
    let spent = model.cooldown.as_ref().unwrap();
    assert_eq!((&*model.name, &*spent.model), ("accounts/a", "gpt-5"));

    let request = desk.ask(proto::DisableAccountRequest {
        name: "accounts/a".to_owned(),
        why: "audit".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.disable_account(request).await);
    let status = desk.status().await;
    assert_eq!(counts(&status), [0, 1, 0, 2]);
    assert_eq!(status.keys[0].disablement.as_ref().unwrap().reason, "audit");
}

#[tokio::test]
async fn limits_show_what_is_charged_and_when_the_next_charge_ends() {
    let desk = Desk::open().await;
    desk.status_pool().await;
    for (account, id) in [("b", "rpm"), ("a", "rpm"), ("a", "idle")] {
        let request = desk.ask(proto::CreateLimitRequest {
            parent: format!("accounts/{account}"),
            limit_id: id.to_owned(),
            limit: Some(proto::Limit {
                dimension: proto::LimitDimension::Requests.into(),
                amount: 10,
                window: Some(Window::Rolling(prost_types::Duration {
                    seconds: 60,
                    nanos: 0,
                })),
                ..Default::default()
            }),
            ..Default::default()
        });
        answered(desk.admin.create_limit(request).await);
    }
    desk
        .sql(
            "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, grant_number)
            select gen_random_uuid(), limits.uid, gen_random_uuid(), units, now() + ends, 1
            from limits join accounts on accounts.uid = owner_uid,
                (values (3, interval '50 s'), (4, interval '20 s'), (5, interval '-1 s'), (0, interval '1 s')) as b (units, ends)
            where accounts.id = 'a' and limits.id = 'rpm'",
        )
        .await;
    let status = desk.status().await;
    let shown: Vec<_> = status
        .limits
        .iter()
        .map(|limit| (limit.limit.as_str(), limit.charged, limit.remaining))
        .collect();
    assert_eq!(
        shown,
        [
            ("accounts/a/limits/idle", 0, 10),
            ("accounts/a/limits/rpm", 7, 3),
            ("accounts/b/limits/rpm", 0, 10),
        ]
    );
    assert_eq!(status.limits[0].next_charge_end_time, None);
    let now = status.status_time.unwrap().seconds;
    let end = status.limits[1].next_charge_end_time.unwrap().seconds;
    assert!((15..=20).contains(&(end - now)), "{}", end - now);
    // W + D + L + 50 ms + (W + D + L) / 1000.
    let charge_time = status.limits[0].charge_time.unwrap();
    assert_eq!((charge_time.seconds, charge_time.nanos), (64, 114_000_000));
}

#[tokio::test]
async fn replicas_that_were_not_heard_of_for_five_seconds_are_not_counted() {
    let desk = Desk::open().await;
    desk.status_pool().await;
    desk
        .sql(
            "insert into replicas (boot_id, address, version, formats, heartbeat_time) values
            (gen_random_uuid(), 'x', '1', 1, now()), (gen_random_uuid(), 'y', '1', 1, now() - interval '6 s')",
        )
        .await;
    assert_eq!(desk.status().await.replicas_live, 1);
}

#[tokio::test]
async fn a_watch_sends_at_once_and_again_until_the_pool_is_gone() {
    let desk = Desk::open().await;
    desk.status_pool().await;
    let request = desk.ask(watch(1));
    let mut watch = answered(desk.admin.watch_status(request).await);
    let second = Duration::from_secs(5);
    for _ in 0..2 {
        let answer = timeout(second, watch.next()).await.unwrap().unwrap();
        assert_eq!(answer.unwrap().status.unwrap().keys.len(), 3);
    }
    let delete = desk.ask(proto::DeletePoolRequest {
        name: "pools/p".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.delete_pool(delete).await);
    let last = loop {
        match timeout(second, watch.next()).await.unwrap().unwrap() {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    assert_eq!(last.code(), Code::NotFound);
    assert!(timeout(second, watch.next()).await.unwrap().is_none());
}

fn watch(seconds: i64) -> proto::WatchStatusRequest {
    proto::WatchStatusRequest {
        pool: "pools/p".to_owned(),
        interval: Some(prost_types::Duration { seconds, nanos: 0 }),
    }
}

#[tokio::test]
async fn watches_are_few_and_leave_room_when_they_end() {
    let desk = Desk::open().await;
    desk.status_pool().await;
    let mut watches = Vec::new();
    for _ in 0..8 {
        let auditor = identity(vec![Grant::Auditor]);
        for _ in 0..4 {
            let request = as_caller(auditor.clone(), watch(3_600));
            watches.push(answered(desk.admin.watch_status(request).await));
        }
        let no = refused(desk.admin.watch_status(as_caller(auditor, watch(1))).await);
        assert!(no.message.starts_with("4 watches of this caller"), "{no:?}");
    }
    let no = refused(desk.admin.watch_status(desk.ask(watch(1))).await);
    assert_eq!(
        (no.code, no.reason.as_str()),
        (Code::ResourceExhausted, "QUEUE_FULL")
    );
    // Whoever goes away makes room, though its next answer is an hour off.
    watches.truncate(31);
    let room = async {
        while desk.admin.watch_status(desk.ask(watch(1))).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), room).await.unwrap();
    desk.vault.live().drain();
    for mut watch in watches {
        let ended = async { while watch.next().await.is_some() {} };
        timeout(Duration::from_secs(5), ended).await.unwrap();
    }
}

#[tokio::test]
async fn a_status_needs_a_pool_a_sane_interval_and_the_right_to_read() {
    let desk = Desk::open().await;
    let no = refused(desk.admin.watch_status(desk.ask(watch(1))).await);
    assert_eq!(no.code, Code::NotFound);
    for seconds in [0, 3_601, i64::MIN] {
        let no = refused(desk.admin.watch_status(desk.ask(watch(seconds))).await);
        assert_eq!(no.fields, ["interval"], "{seconds}");
    }
    let lessee = identity(vec![]);
    let no = refused(desk.admin.watch_status(as_caller(lessee, watch(1))).await);
    assert_eq!(no.code, Code::PermissionDenied);
    let auditor = identity(vec![Grant::Auditor]);
    let no = refused(desk.admin.watch_status(as_caller(auditor, watch(1))).await);
    assert_eq!(no.code, Code::NotFound);
}
