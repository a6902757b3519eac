//! The provider as its clients see it, over real sockets.
#![expect(clippy::expect_used, reason = "a test stops where its premise fails")]

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use stand_in::{Account, Config, Fault, Key, Limit, Provider, RunningProvider};
use tokio::net::TcpListener;

const WINDOW_MS: u64 = 60_000;

fn limit(amount: u64, window_ms: u64) -> Limit {
    Limit { amount, window_ms }
}

fn account(requests: Limit) -> Account {
    let keys = ["sk-first-00000001", "sk-second-0000002"];
    Account {
        name: "acme".into(),
        requests,
        burst: None,
        tokens: None,
        keys: keys
            .map(|value| Key {
                value: value.into(),
                fault: None,
            })
            .into(),
        latency_ms: 0,
    }
}

async fn start(account: Account) -> RunningProvider {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Provider::start(
        listener,
        Config {
            admin_key: None,
            accounts: vec![account],
        },
    )
    .expect("a good config")
}

async fn chat(provider: &RunningProvider, key: &str) -> reqwest::Response {
    chat_of(provider, key, 10).await
}

async fn chat_of(provider: &RunningProvider, key: &str, tokens: u64) -> reqwest::Response {
    let usage = json!({"prompt_tokens": tokens, "completion_tokens": 0});
    reqwest::Client::new()
        .post(format!("{}/chat/completions", provider.base_url()))
        .bearer_auth(key)
        .json(&json!({"model": "gpt-4o-mini", "messages": [], "usage": usage}))
        .send()
        .await
        .expect("an answer")
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers()[name].to_str().expect("text")
}

#[tokio::test]
async fn an_answer_within_the_limit_has_usage_and_says_what_is_left() {
    let provider = start(account(limit(5, WINDOW_MS))).await;
    let response = chat(&provider, "sk-first-00000001").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "x-ratelimit-limit-requests"), "5");
    assert_eq!(header(&response, "x-ratelimit-remaining-requests"), "4");
    let body: Value = response.json().await.expect("json");
    assert_eq!(body["usage"]["total_tokens"], 10);
}

#[tokio::test]
async fn the_keys_of_an_account_share_its_limit_and_refused_requests_count_as_arrivals() {
    let provider = start(account(limit(3, WINDOW_MS))).await;
    for key in [
        "sk-first-00000001",
        "sk-second-0000002",
        "sk-first-00000001",
    ] {
        assert_eq!(chat(&provider, key).await.status(), StatusCode::OK);
    }
    let refused = chat(&provider, "sk-second-0000002").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), "60");
    let body: Value = refused.json().await.expect("json");
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");

    let counts = provider.shutdown().await;
    let account = counts.account("acme").expect("the account");
    assert_eq!((account.succeeded, account.rate_limited), (3, 1));
    assert_eq!(account.requests.busiest_window, 4);
    assert!(account.requests.exact);
}

#[tokio::test]
async fn a_second_limit_of_a_shorter_window_holds_beside_the_first() {
    let mut account = account(limit(9, WINDOW_MS));
    account.burst = Some(limit(2, 30_000));
    let provider = start(account).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = chat(&provider, "sk-first-00000001").await;
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    let burst = provider.counts().accounts[0].burst.expect("a burst limit");
    assert_eq!((burst.amount, burst.busiest_window), (2, 3));
}

#[tokio::test]
async fn the_busiest_window_keeps_its_maximum_after_the_window_has_passed() {
    let provider = start(account(limit(2, 200))).await;
    for _ in 0..2 {
        chat(&provider, "sk-first-00000001").await;
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    let response = chat(&provider, "sk-first-00000001").await;
    assert_eq!(response.status(), StatusCode::OK);
    let counts = provider.counts();
    assert_eq!(counts.accounts[0].requests.busiest_window, 2);
    assert_eq!(counts.accounts[0].requests.arrived, 3);
}

#[tokio::test]
async fn a_killed_key_answers_as_an_invalid_one_and_its_siblings_go_on() {
    let provider = start(account(limit(9, WINDOW_MS))).await;
    assert!(provider.kill("sk-first-00000001"));
    assert!(!provider.kill("sk-nobody"));
    let dead = chat(&provider, "sk-first-00000001").await;
    assert_eq!(dead.status(), StatusCode::UNAUTHORIZED);
    let body: Value = dead.json().await.expect("json");
    assert_eq!(body["error"]["code"], "invalid_api_key");
    assert!(!body.to_string().contains("sk-first-00000001"));
    let sibling = chat(&provider, "sk-second-0000002").await;
    assert_eq!(sibling.status(), StatusCode::OK);
    assert!(
        provider
            .counts()
            .key("sk-first-00000001")
            .expect("the key")
            .dead
    );
}

#[tokio::test]
async fn a_key_can_die_after_some_uses_or_some_time() {
    let mut account = account(limit(9, WINDOW_MS));
    let fault = Fault {
        after_uses: Some(2),
        after_ms: None,
        status: 401,
    };
    account.keys[0].fault = Some(fault);
    account.keys[1].fault = Some(Fault {
        after_uses: None,
        after_ms: Some(0),
        status: 503,
    });
    let provider = start(account).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(chat(&provider, "sk-first-00000001").await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 401]);
    let broken = chat(&provider, "sk-second-0000002").await;
    assert_eq!(broken.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn tokens_are_limited_and_measured_apart_from_requests() {
    let mut account = account(limit(9, WINDOW_MS));
    account.tokens = Some(limit(100, WINDOW_MS));
    let provider = start(account).await;
    assert_eq!(
        chat_of(&provider, "sk-first-00000001", 90).await.status(),
        StatusCode::OK
    );
    let refused = chat_of(&provider, "sk-first-00000001", 20).await;
    assert_eq!(header(&refused, "x-ratelimit-remaining-tokens"), "10");
    let too_large = chat_of(&provider, "sk-first-00000001", 101).await;
    assert!(too_large.headers().get("retry-after").is_none());
    let counts = provider.counts();
    assert_eq!(counts.rate_limited(), 2);
    assert_eq!(
        counts.accounts[0].tokens.expect("tokens").busiest_window,
        211
    );
}

#[tokio::test]
async fn counts_and_kill_work_over_http_and_the_health_path_uses_no_limit() {
    let provider = start(account(limit(1, WINDOW_MS))).await;
    let http = reqwest::Client::new();
    let root = format!("http://{}", provider.address());
    let models = |key: &'static str| {
        http.get(format!("{root}/v1/models"))
            .bearer_auth(key)
            .send()
    };
    for _ in 0..3 {
        let well = models("sk-first-00000001").await.expect("an answer");
        assert_eq!(well.status(), StatusCode::OK);
    }
    let killed = http
        .post(format!("{root}/kill"))
        .json(&json!({"key": "sk-first-00000001"}));
    let killed = killed.send().await.expect("an answer");
    assert_eq!(killed.status(), StatusCode::NO_CONTENT);
    let dead = models("sk-first-00000001").await.expect("an answer");
    assert_eq!(dead.status(), StatusCode::UNAUTHORIZED);
    chat(&provider, "sk-of-nobody").await;
    let counts = http
        .get(format!("{root}/counts"))
        .send()
        .await
        .expect("an answer");
    let counts: stand_in::Counts = counts.json().await.expect("counts");
    assert_eq!(
        (counts.unknown_keys, counts.accounts[0].requests.arrived),
        (1, 0)
    );
}
