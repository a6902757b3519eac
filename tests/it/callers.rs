//! Callers: grants, the last admin, and what a database writer cannot become.

use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use tonic::Code;

use crate::harness::desk::{Desk, Refused, answered, mask, refused};

fn grant(role: proto::Role, pool_pattern: &str) -> proto::Grant {
    proto::Grant {
        role: role.into(),
        pool_pattern: pool_pattern.to_owned(),
    }
}

fn admin() -> Vec<proto::Grant> {
    vec![grant(proto::Role::Admin, "")]
}

impl Desk {
    pub(crate) async fn caller(&self, id: &str, grants: Vec<proto::Grant>) -> proto::Caller {
        let request = self.ask(proto::CreateCallerRequest {
            caller_id: id.to_owned(),
            caller: Some(proto::Caller {
                grants,
                ..Default::default()
            }),
            ..Default::default()
        });
        let answer = self.admin.create_caller(request).await;
        answered(answer).caller.unwrap()
    }

    /// The three ways to take an admin away.
    async fn removals(&self, name: &str) -> [Result<(), Refused>; 3] {
        let strip = self.ask(proto::UpdateCallerRequest {
            caller: Some(proto::Caller {
                name: name.to_owned(),
                ..Default::default()
            }),
            update_mask: mask(&["grants"]),
            validate_only: true,
            ..Default::default()
        });
        let disable = self.ask(proto::DisableCallerRequest {
            name: name.to_owned(),
            why: "gone".to_owned(),
            validate_only: true,
            ..Default::default()
        });
        let delete = self.ask(proto::DeleteCallerRequest {
            name: name.to_owned(),
            validate_only: true,
            ..Default::default()
        });
        let outcome = |ok: bool, no: Option<Refused>| if ok { Ok(()) } else { Err(no.unwrap()) };
        let stripped = self.admin.update_caller(strip).await;
        let disabled = self.admin.disable_caller(disable).await;
        let deleted = self.admin.delete_caller(delete).await;
        [
            outcome(stripped.is_ok(), stripped.err().map(of)),
            outcome(disabled.is_ok(), disabled.err().map(of)),
            outcome(deleted.is_ok(), deleted.err().map(of)),
        ]
    }
}

fn of(status: tonic::Status) -> Refused {
    refused::<()>(Err(status))
}

#[tokio::test]
async fn a_caller_has_the_grants_it_was_given() {
    let desk = Desk::open().await;
    let grants = vec![
        grant(proto::Role::Auditor, ""),
        grant(proto::Role::Lessee, "openai-*"),
    ];
    let made = desk.caller("app", grants.clone()).await;
    assert_eq!(made.grants, grants);
    let request = desk.ask(proto::GetCallerRequest {
        name: "callers/app".to_owned(),
    });
    let read = answered(desk.admin.get_caller(request).await)
        .caller
        .unwrap();
    assert_eq!(read, made);
    let request = desk.ask(proto::UpdateCallerRequest {
        caller: Some(proto::Caller {
            grants: admin(),
            ..made
        }),
        update_mask: mask(&["*"]),
        ..Default::default()
    });
    let changed = answered(desk.admin.update_caller(request).await);
    assert_eq!(changed.caller.unwrap().grants, admin());
    let summaries = desk
        .rows("select summary from audit_records where method not in ('AddMasterKey', 'PromoteMasterKey') order by sequence")
        .await;
    assert_eq!(
        summaries,
        [
            "created, grants: auditor, lessee of openai-*",
            "updated: grants [auditor, lessee of openai-*] -> [admin]"
        ]
    );
}

#[tokio::test]
async fn identities_are_not_built_yet() {
    let desk = Desk::open().await;
    let request = desk.ask(proto::CreateCallerRequest {
        caller_id: "app".to_owned(),
        caller: Some(proto::Caller {
            identities: vec![proto::Identity::default()],
            ..Default::default()
        }),
        ..Default::default()
    });
    let no = refused(desk.admin.create_caller(request).await);
    assert_eq!(
        (no.code, no.reason.as_str()),
        (Code::Unimplemented, "NOT_BUILT")
    );
    assert!(no.message.contains("caller.identities"), "{}", no.message);
}

#[tokio::test]
async fn the_last_enabled_admin_stays() {
    let desk = Desk::open().await;
    desk.caller("first", admin()).await;
    desk.caller("reader", vec![grant(proto::Role::Auditor, "")])
        .await;
    for no in desk.removals("callers/first").await {
        let no = no.unwrap_err();
        assert_eq!(no.code, Code::FailedPrecondition);
        assert!(no.message.contains("last enabled"), "{}", no.message);
    }
    assert!(
        desk.removals("callers/reader")
            .await
            .iter()
            .all(Result::is_ok)
    );

    desk.caller("second", admin()).await;
    assert!(
        desk.removals("callers/first")
            .await
            .iter()
            .all(Result::is_ok)
    );
    let disable = desk.ask(proto::DisableCallerRequest {
        name: "callers/second".to_owned(),
        why: "holiday".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.disable_caller(disable).await);
    assert!(
        desk.removals("callers/first")
            .await
            .iter()
            .all(Result::is_err)
    );
    assert!(
        desk.removals("callers/second")
            .await
            .iter()
            .all(Result::is_ok)
    );
}

#[tokio::test]
async fn a_grant_put_there_by_hand_grants_nothing_and_saves_no_admin() {
    let desk = Desk::open().await;
    desk.caller("first", admin()).await;
    desk.caller("reader", vec![]).await;
    desk.sql(
        "insert into grants select (select uid from callers where id = 'reader'), role, pool_pattern, mac from grants",
    )
    .await;
    let request = desk.ask(proto::GetCallerRequest {
        name: "callers/reader".to_owned(),
    });
    let reader = answered(desk.admin.get_caller(request).await)
        .caller
        .unwrap();
    assert!(reader.grants.is_empty());
    assert!(
        desk.removals("callers/first")
            .await
            .iter()
            .all(Result::is_err)
    );
}

#[tokio::test]
async fn a_caller_takes_its_tokens_along() {
    let desk = Desk::open().await;
    desk.caller("app", vec![]).await;
    let request = desk.ask(proto::CreateTokenRequest {
        parent: "callers/app".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.create_token(request).await);
    let request = desk.ask(proto::DeleteCallerRequest {
        name: "callers/app".to_owned(),
        ..Default::default()
    });
    answered(desk.admin.delete_caller(request).await);
    assert!(desk.rows("select id from tokens").await.is_empty());
    let gone = desk.rows("select kind from deletions order by kind").await;
    assert_eq!(gone, ["callers", "tokens"]);
}
