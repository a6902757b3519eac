//! The provider's admin API, as far as a rotator needs it: service accounts of a project, each with one key, in the shape of OpenAI's.
//! Whoever has the admin key makes, lists and deletes them; the key of a deleted one is unknown from then on. And what no provider has: a key dies when somebody says so.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::server::{Provider, bearer};

/// A service account that was made.
#[derive(Debug)]
pub(crate) struct ServiceAccount {
    id: String,
    name: String,
    project: String,
    key: String,
}

#[derive(Deserialize)]
struct New {
    name: String,
}

/// The routes; each project is an account of the config.
pub(crate) fn routes() -> Router<Arc<Provider>> {
    let path = "/v1/organization/projects/{project}/service_accounts";
    Router::new()
        .route(path, get(list).post(create))
        .route(&format!("{path}/{{id}}"), delete(remove))
        .route("/kill", post(kill))
}

async fn create(
    State(provider): State<Arc<Provider>>,
    Path(project): Path<String>,
    headers: HeaderMap,
    Json(new): Json<New>,
) -> Response {
    if !is_admin(&provider, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (id, key) = (random("svc_acct"), random("sk-svcacct"));
    if !provider.accept(&project, &key) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let answer = json!({
        "object": "organization.project.service_account",
        "id": id,
        "name": new.name,
        "api_key": {"object": "organization.project.service_account.api_key", "id": random("key"), "value": key},
    });
    provider.service_accounts.lock().push(ServiceAccount {
        id,
        name: new.name,
        project,
        key,
    });
    Json(answer).into_response()
}

async fn list(
    State(provider): State<Arc<Provider>>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_admin(&provider, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let accounts = provider.service_accounts.lock();
    let own = accounts.iter().filter(|account| account.project == project);
    let data: Vec<_> = own
        .map(|account| json!({"id": account.id, "name": account.name}))
        .collect();
    Json(json!({"object": "list", "data": data, "has_more": false})).into_response()
}

async fn remove(
    State(provider): State<Arc<Provider>>,
    Path((project, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if !is_admin(&provider, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut accounts = provider.service_accounts.lock();
    let place = accounts
        .iter()
        .position(|account| account.project == project && account.id == id);
    let Some(place) = place else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let removed = accounts.remove(place);
    provider.forget(&removed.key);
    Json(json!({"object": "organization.project.service_account.deleted", "id": id, "deleted": true}))
        .into_response()
}

#[derive(Deserialize)]
struct Kill {
    key: String,
}

async fn kill(State(provider): State<Arc<Provider>>, Json(kill): Json<Kill>) -> Response {
    if provider.kill(&kill.key) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        (StatusCode::NOT_FOUND, "no account has this key\n").into_response()
    }
}

fn is_admin(provider: &Provider, headers: &HeaderMap) -> bool {
    let admin_key = provider.admin_key.as_deref();
    admin_key.is_some() && bearer(headers) == admin_key
}

/// Nobody has to be kept from guessing it here; it only has to be another each time.
fn random(prefix: &str) -> String {
    let part = || RandomState::new().build_hasher().finish();
    format!("{prefix}-{:016x}{:016x}", part(), part())
}
