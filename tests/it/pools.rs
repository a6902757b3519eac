//! Pools: their members, their values in force, and what a database writer cannot do to them.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use tonic::Code;

use crate::harness::desk::{Desk, answered, mask, refused};

fn member(target: &str) -> proto::PoolMember {
    proto::PoolMember {
        target: target.to_owned(),
        tier: 0,
        weight: 0,
    }
}

fn create(id: &str, members: &[&str]) -> proto::CreatePoolRequest {
    proto::CreatePoolRequest {
        pool_id: id.to_owned(),
        pool: Some(proto::Pool {
            members: members.iter().map(|target| member(target)).collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn update(pool: proto::Pool, paths: &[&str]) -> proto::UpdatePoolRequest {
    proto::UpdatePoolRequest {
        pool: Some(pool),
        update_mask: mask(paths),
        ..Default::default()
    }
}

impl Desk {
    async fn pool(&self, id: &str, members: &[&str]) -> proto::Pool {
        let answer = self.admin.create_pool(self.ask(create(id, members))).await;
        answered(answer).pool.unwrap()
    }

    async fn read_pool(&self, name: &str) -> proto::Pool {
        let name = name.to_owned();
        let request = self.ask(proto::GetPoolRequest { name });
        answered(self.admin.get_pool(request).await).pool.unwrap()
    }
}

fn targets(pool: &proto::Pool) -> Vec<&str> {
    pool.members.iter().map(|m| m.target.as_str()).collect()
}

#[tokio::test]
async fn a_new_pool_shows_its_members_and_the_values_in_force() {
    let desk = Desk::open().await;
    desk.account("b").await;
    desk.account("a").await;
    desk.account("c").await;
    desk.bare_key("c", "k").await;
    let pool = desk
        .pool("p", &["accounts/c/keys/k", "accounts/b", "accounts/a"])
        .await;
    assert_eq!(pool.name, "pools/p");
    assert_eq!(
        targets(&pool),
        ["accounts/a", "accounts/b", "accounts/c/keys/k"]
    );
    assert_eq!((pool.members[0].tier, pool.members[0].weight), (1, 1));
    let policy = pool.health_policy.unwrap();
    assert_eq!(policy.dead_ttl.unwrap().seconds, 24 * 3600);
    assert_eq!(policy.unhealthy_ttl.unwrap().seconds, 30 * 60);
    assert_eq!(policy.failure_threshold, 5);
    assert_eq!(pool.default_estimate.unwrap().input_tokens, 1_000);
    let interval = pool.rotation_policy.unwrap().interval.unwrap();
    assert_eq!(interval.seconds, 168 * 3600);
    assert_eq!(pool.lease_duration.unwrap().seconds, 600);
    assert_eq!(desk.read_pool("pools/p").await, pool);
}

#[tokio::test]
async fn members_that_do_not_exist_are_named_by_their_index_and_nothing_is_stored() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let request = create("p", &["accounts/x", "accounts/a", "accounts/a/keys/x"]);
    let no = refused(desk.admin.create_pool(desk.ask(request)).await);
    assert_eq!(no.code, Code::InvalidArgument);
    // The last one is refused already as covered by its account, before the database is asked.
    assert_eq!(no.fields, ["pool.members[2].target"]);
    let request = create("p", &["accounts/x", "accounts/a", "accounts/y/keys/x"]);
    let no = refused(desk.admin.create_pool(desk.ask(request)).await);
    assert_eq!(
        no.fields,
        ["pool.members[0].target", "pool.members[2].target"]
    );
    assert!(desk.rows("select id from pools").await.is_empty());
    assert!(
        desk.rows("select method from audit_records where method = 'CreatePool'")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_honours_the_etag() {
    let desk = Desk::open().await;
    desk.account("a").await;
    desk.account("b").await;
    let old = desk.pool("p", &["accounts/a"]).await;
    let mut wish = old.clone();
    wish.members = vec![member("accounts/b")];
    wish.strategy = proto::SelectionStrategy::LeastUsed.into();
    let request = desk.ask(update(wish.clone(), &["strategy"]));
    let new = answered(desk.admin.update_pool(request).await)
        .pool
        .unwrap();
    assert_eq!(new.strategy(), proto::SelectionStrategy::LeastUsed);
    assert_eq!(targets(&new), ["accounts/a"]);
    assert_ne!(new.etag, old.etag);
    let late = refused(
        desk.admin
            .update_pool(desk.ask(update(wish.clone(), &["members"])))
            .await,
    );
    assert_eq!(
        (late.code, late.reason.as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    wish.etag = new.etag;
    let request = desk.ask(update(wish.clone(), &["*"]));
    let all = answered(desk.admin.update_pool(request).await)
        .pool
        .unwrap();
    assert_eq!(targets(&all), ["accounts/b"]);
    for path in ["name", "disablement", "health_policy.dead_ttl"] {
        wish.etag = String::new();
        let request = desk.ask(update(wish.clone(), &[path]));
        let no = refused(desk.admin.update_pool(request).await);
        assert_eq!(no.fields, ["update_mask"], "{path}");
    }
}

#[tokio::test]
async fn what_a_pool_names_cannot_be_deleted_before_the_pool() {
    let desk = Desk::open().await;
    desk.account("a").await;
    let pool = desk.pool("p", &["accounts/a"]).await;
    let delete = || {
        desk.ask(proto::DeleteAccountRequest {
            name: "accounts/a".to_owned(),
            ..Default::default()
        })
    };
    let no = refused(desk.admin.delete_account(delete()).await);
    assert_eq!(no.code, Code::FailedPrecondition);
    assert!(no.message.contains("pools/p"), "{}", no.message);
    let request = desk.ask(proto::DeletePoolRequest {
        name: pool.name,
        ..Default::default()
    });
    answered(desk.admin.delete_pool(request).await);
    answered(desk.admin.delete_account(delete()).await);
    let gone = desk.rows("select kind from deletions order by rev").await;
    assert_eq!(gone, ["pools", "accounts"]);
}

#[tokio::test]
async fn pools_are_listed_page_by_page_and_filtered() {
    let desk = Desk::open().await;
    for id in ["c", "a-1", "b", "a"] {
        desk.pool(id, &[]).await;
    }
    let request = desk.ask(proto::DisablePoolRequest {
        name: "pools/b".to_owned(),
        why: "holiday".to_owned(),
        ..Default::default()
    });
    let disabled = answered(desk.admin.disable_pool(request).await)
        .pool
        .unwrap();
    assert_eq!(disabled.disablement.unwrap().by, "callers/root");
    let list = async |filter: &str, page_token: String| {
        let request = desk.ask(proto::ListPoolsRequest {
            page_size: 2,
            page_token,
            filter: filter.to_owned(),
        });
        let page = answered(desk.admin.list_pools(request).await);
        let names: Vec<_> = page.pools.into_iter().map(|pool| pool.name).collect();
        (names, page.next_page_token)
    };
    let (first, token) = list("", String::new()).await;
    let (second, end) = list("", token).await;
    assert_eq!(
        [first, second].concat(),
        ["pools/a", "pools/a-1", "pools/b", "pools/c"]
    );
    assert_eq!(end, "");
    assert_eq!(list("state=disabled", String::new()).await.0, ["pools/b"]);
    let request = desk.ask(proto::EnablePoolRequest {
        name: "pools/b".to_owned(),
        ..Default::default()
    });
    let enabled = answered(desk.admin.enable_pool(request).await)
        .pool
        .unwrap();
    assert_eq!(enabled.disablement, None);
    assert!(list("state=disabled", String::new()).await.0.is_empty());
}

#[tokio::test]
async fn a_repeated_creation_answers_the_pool_as_it_stands_and_another_one_is_refused() {
    let desk = Desk::open().await;
    let request = proto::CreatePoolRequest {
        request_id: "r1".to_owned(),
        ..create("p", &[])
    };
    let first = answered(desk.admin.create_pool(desk.ask(request.clone())).await);
    let again = answered(desk.admin.create_pool(desk.ask(request.clone())).await);
    assert_eq!(first, again);
    let other = proto::CreatePoolRequest {
        pool_id: "q".to_owned(),
        ..request
    };
    let no = refused(desk.admin.create_pool(desk.ask(other)).await);
    assert_eq!(no.reason, "REQUEST_ID_REUSED");
    let no = refused(desk.admin.create_pool(desk.ask(create("p", &[]))).await);
    assert_eq!(
        (no.code, no.reason.as_str()),
        (Code::AlreadyExists, "RESOURCE_EXISTS")
    );
    let tried = proto::CreatePoolRequest {
        validate_only: true,
        ..create("tried", &[])
    };
    answered(desk.admin.create_pool(desk.ask(tried)).await);
    assert_eq!(desk.rows("select id from pools").await, ["p"]);
    let audited = desk.rows("select resource from audit_records where method not in ('AddMasterKey', 'PromoteMasterKey')").await;
    assert_eq!(audited, ["pools/p"]);
}

#[tokio::test]
async fn a_member_put_there_by_hand_is_no_member_and_a_pool_edited_by_hand_cannot_be_changed() {
    let desk = Desk::open().await;
    desk.account("good").await;
    desk.account("evil").await;
    let pool = desk.pool("p", &["accounts/good"]).await;
    desk.sql(
        "insert into pool_members select pool_uid, 'account', (select uid from accounts where id = 'evil'), tier, weight, mac
        from pool_members",
    )
    .await;
    assert_eq!(targets(&desk.read_pool("pools/p").await), ["accounts/good"]);
    let request = desk.ask(update(pool.clone(), &["labels"]));
    let changed = answered(desk.admin.update_pool(request).await)
        .pool
        .unwrap();
    assert_eq!(targets(&changed), ["accounts/good"]);

    desk.sql("update pools set disabled_why = 'x', disabled_since = now(), disabled_by = 'x'")
        .await;
    let request = desk.ask(update(
        proto::Pool {
            name: pool.name.clone(),
            ..Default::default()
        },
        &["labels"],
    ));
    let no = refused(desk.admin.update_pool(request).await);
    assert_eq!(
        (no.code, no.reason.as_str()),
        (Code::FailedPrecondition, "STATE_FORBIDS")
    );
    let request = desk.ask(proto::DeletePoolRequest {
        name: pool.name,
        ..Default::default()
    });
    answered(desk.admin.delete_pool(request).await);
}
