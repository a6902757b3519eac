//! The provider's words: headers and bodies as OpenAI sends them.

use std::time::{Duration, Instant};

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::account::{AccountState, Budget, Denial, Dimension};
use crate::limiter::Refusal;

/// Tokens of a completion when the request sets no bound of its own.
const COMPLETION_TOKENS: u64 = 16;

/// Characters of a prompt that make a token, as a rule of thumb.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// What a request says about itself.
#[derive(Debug)]
pub(crate) struct Ask {
    model: String,
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl Ask {
    /// Reads a request body. A `usage` object in it (`prompt_tokens`, `completion_tokens`) decides what is charged; else the prompt's
    /// length and `max_completion_tokens` or `max_tokens` do.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let model = body.get("model")?.as_str()?.to_owned();
        let hint = |name: &str| {
            body.get("usage")
                .and_then(|usage| usage.get(name)?.as_u64())
        };
        let bound = |name: &str| body.get(name).and_then(Value::as_u64);
        let completion_tokens = hint("completion_tokens")
            .or_else(|| bound("max_completion_tokens"))
            .or_else(|| bound("max_tokens"))
            .unwrap_or(COMPLETION_TOKENS);
        Some(Self {
            model,
            prompt_tokens: hint("prompt_tokens").unwrap_or_else(|| prompt_tokens(&body)),
            completion_tokens,
        })
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

fn prompt_tokens(body: &Value) -> u64 {
    let messages = body.get("messages").and_then(Value::as_array);
    let characters: usize = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_str())
        .map(|content| content.chars().count())
        .sum();
    (characters as u64).div_ceil(CHARACTERS_PER_TOKEN)
}

/// 200, with usage.
pub(crate) fn completion(ask: &Ask) -> Response {
    Json(json!({
        "id": "chatcmpl-stand-in",
        "object": "chat.completion",
        "model": ask.model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "ok"},
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": ask.prompt_tokens,
            "completion_tokens": ask.completion_tokens,
            "total_tokens": ask.tokens(),
        },
    }))
    .into_response()
}

/// The models there are.
pub(crate) fn models() -> Response {
    Json(json!({
        "object": "list",
        "data": [{"id": "gpt-4o-mini", "object": "model", "owned_by": "stand-in"}],
    }))
    .into_response()
}

/// What a key that has gone wrong, or that nobody knows, gets.
pub(crate) fn failure(status: u16, key: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::UNAUTHORIZED {
        let message = format!(
            "Incorrect API key provided: {}. You can find your API key at https://platform.openai.com/account/api-keys.",
            masked(key)
        );
        return error(
            status,
            &message,
            "invalid_request_error",
            Some("invalid_api_key"),
        );
    }
    let message = "The server had an error while processing your request. Sorry about that!";
    error(status, message, "server_error", None)
}

/// 400, for what cannot be read.
pub(crate) fn unreadable() -> Response {
    let message = "We could not parse the JSON body of your request: it needs a model.";
    error(
        StatusCode::BAD_REQUEST,
        message,
        "invalid_request_error",
        None,
    )
}

/// 429, with the time after which there is room.
pub(crate) fn rate_limited(denial: &Denial, ask: &Ask) -> Response {
    let (unit, kind) = match denial.dimension {
        Dimension::Requests => ("requests per min (RPM)", "requests"),
        Dimension::Tokens => ("tokens per min (TPM)", "tokens"),
    };
    let (model, limit) = (&ask.model, denial.limit);
    let (used, requested) = (denial.used, denial.requested);
    let code = Some("rate_limit_exceeded");
    let status = StatusCode::TOO_MANY_REQUESTS;
    match denial.refusal {
        Refusal::TooLarge => {
            let message = format!(
                "Request too large for {model} in organization org-stand-in on {unit}: Limit {limit}, Requested {requested}. The input or output tokens must be reduced in order to run successfully."
            );
            error(status, &message, kind, code)
        }
        Refusal::Wait(wait) => {
            let message = format!(
                "Rate limit reached for {model} in organization org-stand-in on {unit}: Limit {limit}, Used {used}, Requested {requested}. Please try again in {}.",
                span(wait)
            );
            let seconds = wait.as_millis().div_ceil(1000).to_string();
            let mut response = error(status, &message, kind, code);
            put(response.headers_mut(), "retry-after", &seconds);
            put(
                response.headers_mut(),
                "retry-after-ms",
                &wait.as_millis().to_string(),
            );
            response
        }
    }
}

/// The headers that say how much is left.
pub(crate) fn limit_headers(account: &AccountState, now: Instant) -> HeaderMap {
    let mut headers = HeaderMap::new();
    budget_headers(&mut headers, "requests", &account.requests, now);
    if let Some(tokens) = &account.tokens {
        budget_headers(&mut headers, "tokens", tokens, now);
    }
    headers
}

fn budget_headers(headers: &mut HeaderMap, unit: &str, budget: &Budget, now: Instant) {
    let limiter = &budget.limiter;
    let values = [
        ("limit", limiter.amount().to_string()),
        ("remaining", limiter.remaining().to_string()),
        ("reset", span(limiter.reset(now))),
    ];
    for (what, value) in values {
        put(headers, &format!("x-ratelimit-{what}-{unit}"), &value);
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

fn error(status: StatusCode, message: &str, kind: &str, code: Option<&str>) -> Response {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    (status, Json(body)).into_response()
}

/// As OpenAI writes spans: `644ms`, `1.574s`, `6m0s`.
fn span(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..60_000 => format!("{}s", millis as f64 / 1000.0),
        _ => format!("{}m{}s", millis / 60_000, millis % 60_000 / 1000),
    }
}

/// As OpenAI masks a key: its beginning, stars, its last four characters.
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    if characters.len() < 12 {
        return "*".repeat(characters.len());
    }
    let (start, end) = (&characters[..3], &characters[characters.len() - 4..]);
    let stars = "*".repeat(characters.len() - 7);
    format!(
        "{}{stars}{}",
        String::from_iter(start),
        String::from_iter(end)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_the_provider_writes_them() {
        let read = [644, 1_574, 360_000].map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(read, ["644ms", "1.574s", "6m0s"]);
    }

    #[test]
    fn a_usage_hint_wins_over_the_length_of_the_prompt() {
        let ask = Ask::parse(
            br#"{"model": "m", "messages": [{"role": "user", "content": "twelve chars"}], "max_tokens": 9}"#,
        )
        .expect("reads");
        assert_eq!(ask.tokens(), 3 + 9);
        let ask = Ask::parse(
            br#"{"model": "m", "usage": {"prompt_tokens": 70, "completion_tokens": 5}, "max_tokens": 9}"#,
        )
        .expect("reads");
        assert_eq!(ask.tokens(), 75);
    }

    #[test]
    fn a_message_shows_only_the_ends_of_a_key() {
        assert_eq!(masked("sk-1234567890abcd"), "sk-**********abcd");
        assert_eq!(masked("short"), "*****");
    }
}
