//! Behind the desk of the admin service: a database writer's hand, and what a refusal says.

use keylease::proto;
use sqlx::AssertSqlSafe;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use super::vault::TestVault;

/// What a refusal says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// The fields of its BadRequest.
    pub(crate) fields: Vec<String>,
}

impl TestVault {
    /// Runs SQL behind the service's back, as a database writer would.
    pub(crate) async fn sql(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(self.pool())
            .await
            .unwrap();
    }

    /// The rows of a query of one text column.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// An account by its id.
    pub(crate) async fn account(&self, id: &str) -> proto::Account {
        self.create_account(id).await.unwrap()
    }

    /// The uid of a key.
    pub(crate) async fn key(&self, account: &str, id: &str) -> Uuid {
        let secret = format!("sk-{account}-{id}");
        let key = self.create_key(account, id, &secret).await.unwrap();
        key.uid.parse().unwrap()
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
