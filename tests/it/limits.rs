//! Limits of accounts: their bounds, and charges that outlive them.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use keylease::proto::limit::Window;
use tonic::Code;

use crate::harness::desk::{Desk, answered, mask, refused};

fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

pub(crate) fn per_minute(amount: i64) -> proto::Limit {
    proto::Limit {
        dimension: proto::LimitDimension::Requests.into(),
        amount,
        window: Some(Window::Rolling(seconds(60))),
        ..Default::default()
    }
}

fn create(id: &str, limit: proto::Limit) -> proto::CreateLimitRequest {
    proto::CreateLimitRequest {
        parent: "accounts/a".to_owned(),
        limit_id: id.to_owned(),
        limit: Some(limit),
        ..Default::default()
    }
}

impl Desk {
    pub(crate) async fn limit(&self, id: &str, limit: proto::Limit) -> proto::Limit {
        let request = self.ask(create(id, limit));
        answered(self.admin.create_limit(request).await)
            .limit
            .unwrap()
    }

    async fn delete_limit(&self, name: &str) {
        let request = self.ask(proto::DeleteLimitRequest {
            name: name.to_owned(),
            ..Default::default()
        });
        answered(self.admin.delete_limit(request).await);
    }
}

#[tokio::test]
async fn a_new_limit_has_a_ledger_and_shows_its_times_in_force() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let limit = desk.limit("rpm", per_minute(600)).await;
    assert_eq!(limit.name, "accounts/a/limits/rpm");
    assert_eq!(limit.block_validity, Some(seconds(1)));
    assert_eq!(limit.start_within, Some(seconds(3)));
    assert_eq!(limit.blackout_max, Some(seconds(0)));
    assert_eq!(limit.mode(), proto::LimitMode::Enforce);
    let ledgers = desk.rows("select limit_uid::text from limit_ledgers").await;
    assert_eq!(ledgers, [limit.uid.as_str()]);
    let request = desk.ask(proto::GetLimitRequest {
        name: limit.name.clone(),
    });
    let read = answered(desk.admin.get_limit(request).await).limit.unwrap();
    assert_eq!(read, limit);
    let no = refused(
        desk.admin
            .create_limit(desk.ask(create("rpm", per_minute(1))))
            .await,
    );
    assert_eq!(no.code, Code::AlreadyExists);
}

#[tokio::test]
async fn a_limit_that_returns_takes_its_charges_over() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let limit = desk.limit("rpm", per_minute(600)).await;
    let charge = format!(
        "insert into limit_blocks (block_id, limit_uid, boot_id, units, charge_until, grant_number)
        values (gen_random_uuid(), '{}', gen_random_uuid(), 7, now() + interval '1 minute', 1)",
        limit.uid
    );
    desk.sql(&charge).await;
    desk.delete_limit(&limit.name).await;
    let request = desk.ask(proto::GetLimitRequest {
        name: limit.name.clone(),
    });
    assert_eq!(
        refused(desk.admin.get_limit(request).await).code,
        Code::NotFound
    );
    assert_eq!(desk.rows("select kind from deletions").await, ["limits"]);

    let back = desk.limit("rpm", per_minute(5)).await;
    assert_eq!((back.uid, back.amount), (limit.uid.clone(), 5));
    assert!(desk.rows("select kind from deletions").await.is_empty());
    let units = desk.rows("select units::text from limit_blocks").await;
    assert_eq!(units, ["7"]);

    desk.delete_limit(&limit.name).await;
    let tokens = proto::Limit {
        dimension: proto::LimitDimension::Tokens.into(),
        ..per_minute(5)
    };
    let other = desk.limit("rpm", tokens).await;
    assert_ne!(other.uid, limit.uid);
}

#[tokio::test]
async fn an_update_keeps_the_bounds_of_the_window_that_results() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let limit = proto::Limit {
        block_validity: Some(seconds(15)),
        start_within: Some(seconds(30)),
        ..per_minute(600)
    };
    let limit = desk.limit("rpm", limit).await;
    let update = async |limit: proto::Limit, paths: &[&str]| {
        let request = desk.ask(proto::UpdateLimitRequest {
            limit: Some(limit),
            update_mask: mask(paths),
            ..Default::default()
        });
        desk.admin.update_limit(request).await
    };
    let shorter = proto::Limit {
        window: Some(Window::Rolling(seconds(59))),
        ..limit.clone()
    };
    let no = refused(update(shorter, &["rolling"]).await);
    assert_eq!(no.fields, ["limit.block_validity", "limit.start_within"]);
    let no = refused(update(limit.clone(), &["dimension"]).await);
    assert_eq!(no.fields, ["update_mask"]);
    let more = proto::Limit {
        amount: 601,
        ..limit.clone()
    };
    let changed = answered(update(more.clone(), &["amount"]).await)
        .limit
        .unwrap();
    assert_eq!(changed.amount, 601);
    assert_eq!(changed.block_validity, limit.block_validity);
    let no = refused(update(more, &["amount"]).await);
    assert_eq!(no.code, Code::Aborted);
}

#[tokio::test]
async fn an_owner_has_at_most_64_limits() {
    let desk = Desk::open().await;
    desk.account("a").await;
    for i in 0..64 {
        desk.limit(&format!("l{i}"), per_minute(1)).await;
    }
    let request = desk.ask(create("one-more", per_minute(1)));
    let no = refused(desk.admin.create_limit(request).await);
    assert_eq!(no.code, Code::FailedPrecondition);
    assert!(no.message.contains("at most 64"), "{}", no.message);
    desk.delete_limit("accounts/a/limits/l0").await;
    desk.limit("one-more", per_minute(1)).await;
    let request = desk.ask(proto::ListLimitsRequest {
        parent: "accounts/a".to_owned(),
        page_size: 1_000,
        ..Default::default()
    });
    let listed = answered(desk.admin.list_limits(request).await).limits;
    assert_eq!(listed.len(), 64);
}

#[tokio::test]
async fn limits_of_callers_are_not_built_yet() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let of_caller = proto::CreateLimitRequest {
        parent: "callers/app".to_owned(),
        ..create("rpm", per_minute(1))
    };
    let said = "parent callers/app is not built yet: limits belong to accounts";
    let no = refused(desk.admin.create_limit(desk.ask(of_caller)).await);
    assert_eq!(
        (no.code, no.reason.as_str()),
        (Code::Unimplemented, "NOT_BUILT")
    );
    assert!(no.message.starts_with(said), "{}", no.message);
    assert_eq!(no.fields, ["parent"]);
    let nowhere = proto::CreateLimitRequest {
        parent: "accounts/nowhere".to_owned(),
        ..create("rpm", per_minute(1))
    };
    let no = refused(desk.admin.create_limit(desk.ask(nowhere)).await);
    assert_eq!(no.code, Code::NotFound);
}
