//! The admin service over a database of its own, asked without a network: the identity is put into each request.

use std::sync::Arc;
use std::time::Duration;

use keylease::crypto::{KeyRing, MasterKey};
use keylease::domain::caller::{Bearer, Caller, Grant, Right};
use keylease::domain::endpoint::upstreams::Upstreams;
use keylease::domain::id::Id;
use keylease::domain::key::Meta;
use keylease::domain::labels::Labels;
use keylease::domain::refusal::LeaseRefusal;
use keylease::domain::tags::Tags;
use keylease::domain::time::Timestamp;
use keylease::live::clock::boot_now;
use keylease::outbound::Outbound;
use keylease::proto;
use keylease::proto::admin_service_server::AdminService;
use keylease::service::admin::Admin;
use keylease::service::auth::Identity;
use keylease::vault::{Alerting, Lease, LeaseKey, Sink, Vault, VaultKeys};
use sqlx::AssertSqlSafe;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::postgres::Database;
use super::setup::MINUTE;

/// An admin service.
pub(crate) struct Desk {
    pub(crate) admin: Admin,
    pub(crate) vault: Arc<Vault>,
    pub(crate) database: Database,
    caller: Arc<Caller>,
}

/// What a refusal says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// The fields of its BadRequest.
    pub(crate) fields: Vec<String>,
}

/// Alerts go to the log alone.
fn logged() -> Arc<Alerting> {
    Arc::new(Alerting {
        sinks: vec![Sink::Log],
        outbound: Outbound::new(Upstreams::Remote),
        allow_http: false,
        resolve_after: MINUTE,
        resend_every: 60 * MINUTE,
    })
}

impl Desk {
    /// Over a new database.
    pub(crate) async fn open() -> Self {
        Self::sending_by(Outbound::default()).await
    }

    /// The same, whose own requests go out by this way.
    pub(crate) async fn sending_by(outbound: Outbound) -> Self {
        let database = Database::create().await;
        let ring = KeyRing::new(MasterKey::generate().unwrap(), vec![]).unwrap();
        let keys = VaultKeys::open(&database.pool, ring).await.unwrap();
        let vault = Vault::new(
            database.pool.clone(),
            Arc::new(keys),
            keylease::crypto::BootId::generate().unwrap(),
            Duration::from_mins(5),
        );
        let vault = Arc::new(vault.sending_by(outbound));
        Self {
            admin: Admin::new(Arc::clone(&vault), Upstreams::Remote, logged()),
            vault,
            database,
            caller: Arc::new(caller(vec![Grant::Admin])),
        }
    }

    /// A request by an administrator.
    pub(crate) fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(Identity {
            asked: Right::Read,
            bearer: vouched(Arc::clone(&self.caller)),
            source: Some("127.0.0.1:5".parse().unwrap()),
        });
        request
    }

    /// Runs SQL behind the service's back, as a database writer would.
    pub(crate) async fn sql(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&self.database.pool)
            .await
            .unwrap();
    }

    /// The rows of a query of one text column.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&self.database.pool)
            .await
            .unwrap()
    }

    /// An account of the generic provider.
    pub(crate) async fn account(&self, id: &str) -> proto::Account {
        let request = proto::CreateAccountRequest {
            account_id: id.to_owned(),
            account: Some(proto::Account {
                provider_profile: "openai".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.admin.create_account(self.ask(request)).await;
        answer.unwrap().into_inner().account.unwrap()
    }

    /// A key without a version, put there by hand.
    pub(crate) async fn bare_key(&self, account: &str, key: &str) -> Uuid {
        let uid = Uuid::new_v4();
        let insert = format!(
            "insert into keys (uid, rev, account_uid, id, mac) select '{uid}', 1, uid, '{key}', '' from accounts where id = '{account}'"
        );
        self.sql(&insert).await;
        uid
    }

    /// A lease of so many uses from the pool `p`, without waiting.
    pub(crate) async fn lease_of(
        &self,
        requests: u32,
        lessee: &Bearer,
    ) -> Result<Lease, LeaseRefusal> {
        let call = LeaseKey {
            pool: Id::parse("pool", "p").unwrap(),
            model: None,
            requests,
            estimate: None,
            max_wait: Duration::ZERO,
            lease_duration: None,
            affinity_key: None,
            account: None,
            retry_token: None,
            tags: Tags::default(),
            request_id: None,
            received: boot_now(),
            deadline: None,
        };
        self.vault.lease_key(lessee, &call).await
    }
}

/// A caller that this test vouches for, without a token.
pub(crate) const fn vouched(caller: Arc<Caller>) -> Bearer {
    Bearer {
        caller,
        token: None,
    }
}

/// A caller that is in no table.
pub(crate) fn caller(grants: Vec<Grant>) -> Caller {
    let now = Timestamp::from_micros(0);
    Caller {
        meta: Meta::created(Uuid::new_v4(), 0, Labels::default(), now),
        id: Id::parse("id", "root").unwrap(),
        grants,
        disablement: None,
    }
}

/// What a call that must not succeed was refused with.
pub(crate) fn refused<T>(answer: Result<Response<T>, Status>) -> Refused {
    let Err(status) = answer else {
        unreachable!("the call succeeded")
    };
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.domain, "keylease");
    let violations = details.bad_request().map(|bad| &bad.field_violations);
    Refused {
        code: status.code(),
        reason: info.reason.clone(),
        message: status.message().to_owned(),
        fields: violations
            .into_iter()
            .flatten()
            .map(|violation| violation.field.clone())
            .collect(),
    }
}

/// The message of an answer.
pub(crate) fn answered<T>(answer: Result<Response<T>, Status>) -> T {
    answer.unwrap().into_inner()
}

/// A mask of these fields.
pub(crate) fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}
