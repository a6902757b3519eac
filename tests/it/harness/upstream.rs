//! The stand-in provider, and a caller's way of using a lease with it.

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{HttpHeader, HttpResult, LeaseKeyResponse, Outcome, Success};
use serde_json::json;
use stand_in::{Account, Config, Limit, Provider, RunningProvider};
use tokio::net::TcpListener;

use super::outcomes::success;

/// A provider with one account, `acme`, of these keys.
pub(crate) async fn provider(requests: Limit, keys: &[&str]) -> RunningProvider {
    let key = |value: &&str| stand_in::Key {
        value: (*value).to_owned(),
        fault: None,
    };
    let account = Account {
        name: "acme".to_owned(),
        requests,
        burst: None,
        tokens: None,
        keys: keys.iter().map(key).collect(),
        latency_ms: 0,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let accounts = vec![account];
    Provider::start(
        listener,
        Config {
            accounts,
            admin_key: None,
        },
    )
    .unwrap()
}

/// Sends one request with a lease, as a service would that reads no headers of what succeeds, and answers what it saw.
pub(crate) async fn spend(http: &reqwest::Client, lease: &LeaseKeyResponse) -> Outcome {
    let outcome = spend_with_headers(http, lease).await;
    match outcome.result {
        Some(Seen::Success(_)) => success(),
        _ => outcome,
    }
}

/// Sends one request with a lease, and answers all that it saw.
pub(crate) async fn spend_with_headers(
    http: &reqwest::Client,
    lease: &LeaseKeyResponse,
) -> Outcome {
    let credential = lease.credential.as_ref().unwrap();
    let mut request = http.post(format!("{}/chat/completions", credential.base_url));
    for header in &credential.headers {
        request = request.header(&header.name, &header.value);
    }
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]});
    let answer = request.json(&body).send().await.unwrap();
    let headers = answer.headers().iter().map(|(name, value)| HttpHeader {
        name: name.to_string(),
        value: value.as_bytes().to_vec(),
    });
    let headers = headers.collect();
    if answer.status().is_success() {
        answer.bytes().await.unwrap();
        return Outcome {
            result: Some(Seen::Success(Success { headers })),
            ..Default::default()
        };
    }
    let status = i32::from(answer.status().as_u16());
    let body = answer.bytes().await.unwrap().to_vec();
    let result = HttpResult {
        status,
        headers,
        body,
    };
    Outcome {
        result: Some(Seen::Http(result)),
        ..Default::default()
    }
}
