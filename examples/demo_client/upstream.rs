//! The call to the provider, with the credential of a lease.

use std::time::Duration;

use anyhow::Context;
use keylease::proto::outcome::Result as OutcomeResult;
use keylease::proto::{
    Credential, HttpHeader, HttpResult, Success, TransportFailure, TransportFailureKind, Usage,
};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// The vault keeps no more of a failure's body.
const BODY_BYTES_MAX: usize = 4096;

/// How long an answer may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP client: it must not send anything twice by itself, nor carry a secret elsewhere by a redirect or a proxy.
pub(crate) fn client() -> anyhow::Result<Client> {
    Client::builder()
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(CALL_TIMEOUT)
        .build()
        .context("cannot build an HTTP client")
}

/// What the provider made of a request, as the vault wants to hear it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: OutcomeResult,
    pub(crate) usage: Option<Usage>,
}

/// Builds the request, so that nothing is left to do but send it when the lease's time is checked.
pub(crate) fn request(client: &Client, credential: &Credential) -> anyhow::Result<RequestBuilder> {
    let query: Vec<(&str, &str)> = credential
        .query
        .iter()
        .map(|parameter| (parameter.name.as_str(), parameter.value.as_str()))
        .collect();
    let mut url = reqwest::Url::parse(&format!("{}/chat/completions", credential.base_url))
        .context("the base URL does not parse")?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let mut request = client.post(url).json(&json!({
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Say ok."}],
        "max_completion_tokens": 8,
    }));
    for header in &credential.headers {
        let name = HeaderName::try_from(&header.name).context("a header's name does not parse")?;
        let mut value =
            HeaderValue::try_from(&header.value).context("a header's value does not parse")?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    Ok(request)
}

/// Sends it and reads what comes back.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let (response, body) = match exchange(request).await {
        Ok(answer) => answer,
        Err(error) => return transport(&error),
    };
    if response.status == StatusCode::OK {
        return Answer {
            result: OutcomeResult::Success(Success::default()),
            usage: usage(&body),
        };
    }
    let mut body = body;
    body.truncate(BODY_BYTES_MAX);
    Answer {
        result: OutcomeResult::Http(HttpResult {
            status: i32::from(response.status.as_u16()),
            headers: response.headers,
            body,
        }),
        usage: None,
    }
}

struct Head {
    status: StatusCode,
    headers: Vec<HttpHeader>,
}

async fn exchange(request: RequestBuilder) -> reqwest::Result<(Head, Vec<u8>)> {
    let response = request.send().await?;
    let head = Head {
        status: response.status(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| HttpHeader {
                name: name.to_string(),
                value: value.as_bytes().to_vec(),
            })
            .collect(),
    };
    Ok((head, response.bytes().await?.to_vec()))
}

fn transport(error: &reqwest::Error) -> Answer {
    let kind = if error.is_timeout() {
        TransportFailureKind::Timeout
    } else if error.is_connect() {
        TransportFailureKind::Connect
    } else {
        TransportFailureKind::Unspecified
    };
    let detail = error.to_string().chars().take(200).collect();
    Answer {
        result: OutcomeResult::Transport(TransportFailure {
            kind: kind.into(),
            detail,
        }),
        usage: None,
    }
}

fn usage(body: &[u8]) -> Option<Usage> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let tokens = |name: &str| body.get("usage")?.get(name)?.as_i64();
    Some(Usage {
        input_tokens: tokens("prompt_tokens")?,
        output_tokens: tokens("completion_tokens")?,
        ..Usage::default()
    })
}
