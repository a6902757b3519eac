//! What providers state of their limits: a budget that is spent rests before the provider refuses, a limit that differs is stored once, and
//! is adopted by a person.

use std::process::Output;
use std::time::Duration;

use keylease::proto::LeaseKeyRequest;
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually, eventually_some};
use crate::harness::outcomes::answered;
use crate::harness::process::{keylease, texts};
use crate::harness::setup::{MINUTE, requests};
use crate::harness::stating::{amount_of, carrying, hear, learned, stating};
use crate::harness::upstream::{provider, spend_with_headers};

/// Runs the client of an administrator.
async fn shell(cluster: &Cluster, arguments: &[&str]) -> Output {
    let mut command = keylease(arguments);
    let server = cluster.replicas[0].address.to_string();
    command
        .env("KEYLEASE_SERVER", server)
        .env("KEYLEASE_TOKEN", &cluster.admin_token);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    run.await.unwrap()
}

#[tokio::test]
async fn none_left_is_believed_by_both_replicas_before_the_provider_refuses() {
    // Nobody has configured a limit here: all that is known of this one is what the provider says.
    let five = stand_in::Limit {
        amount: 5,
        window_ms: 20_000,
    };
    let provider = provider(five, &["sk-a"]).await;
    let cluster = Cluster::of(2).await;
    let admin = cluster.admin().await;
    admin.create_account("a", &provider.base_url()).await;
    admin.create_key("a", "k", "sk-a").await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    ];
    let http = reqwest::Client::new();
    for use_of in 0..5 {
        let caller = &callers[use_of % 2];
        let lease = caller.lease("p").await;
        let outcome = spend_with_headers(&http, &lease).await;
        caller.report(&lease, outcome).await;
    }
    cluster.settled().await;
    for caller in &callers {
        let refused = caller.refused(of("p")).await;
        let refused = refused.is(Code::ResourceExhausted, "KEYS_COOLING");
        assert!(refused.retry.unwrap() <= Duration::from_secs(20));
    }
    let cooldown = admin.status("p").await.keys[0].account_cooldown.clone();
    let why = cooldown.unwrap().why;
    assert!(why.contains("0 requests left, by its headers"), "{why}");
    let counts = provider.shutdown().await;
    assert_eq!(counts.rate_limited(), 0);
    assert_eq!(counts.account("acme").unwrap().succeeded, 5);
}

#[tokio::test]
async fn none_left_is_believed_of_an_answer_that_refuses_for_another_reason() {
    let (_cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    let none = [
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "59s"),
    ];
    let body = "{\"error\": {\"message\": \"max_tokens is too large\", \"type\": \"invalid_request_error\"}}";
    hear(&caller, "gpt-5", answered(400, &none, body)).await;
    let named = LeaseKeyRequest {
        model: "gpt-5".to_owned(),
        ..of("p")
    };
    let refused = caller.refused(named).await;
    refused.is(Code::ResourceExhausted, "KEYS_COOLING");
    let why = &admin.status("p").await.keys[0].account_cooldown;
    assert!(why.is_none(), "of the model alone: {why:?}");
}

#[tokio::test]
async fn what_differs_is_stored_once_and_shown_beside_the_limit() {
    let (cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    admin.create_limit("a", requests(1_000, MINUTE)).await;
    for _ in 0..20 {
        hear(&caller, "gpt-5", stating(500)).await;
    }
    let told = eventually_some("the statement", async || learned(&admin).await.pop()).await;
    assert_eq!((told.amount, told.configured_amount), (500, 1_000));
    assert_eq!((told.model.as_str(), told.callers), ("gpt-5", 1));
    assert_eq!(told.limit, "accounts/a/limits/l1000");
    assert_eq!(told.window.unwrap().seconds, 60);
    // Nothing more is written while nothing changes, and one odd report is no change.
    let version = async || {
        let xmin: String =
            sqlx::query_scalar("select max(xmin::text || leases::text) from learned_limits")
                .fetch_one(&cluster.database.pool)
                .await
                .unwrap();
        xmin
    };
    eventually("two leases are noted", async || {
        version().await.ends_with('2')
    })
    .await;
    let before = version().await;
    hear(&caller, "gpt-5", stating(7)).await;
    for _ in 0..20 {
        hear(&caller, "gpt-5", stating(500)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(version().await, before);
    // What no limit is configured for is one to configure.
    let output = shell(&cluster, &["limits", "list", "a"]).await;
    let (_, said) = texts(&output);
    assert!(
        said.contains(
            "the provider says 500 requests in 1 m of gpt-5: keylease limits adopt a/l1000"
        ),
        "{said}"
    );
    assert_eq!(amount_of(&admin, "l1000").await, 1_000);
    let output = shell(&cluster, &["limits", "adopt", "a/l1000"]).await;
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_eq!(amount_of(&admin, "l1000").await, 500);
}

/// A lie in a header does no more than a lie in a 429 does.
#[tokio::test]
async fn hostile_headers_change_nothing_they_should_not() {
    let (cluster, admin, caller) = Cluster::serving(&["a"], "p").await;
    let huge = "9".repeat(256);
    for value in [
        "NaN",
        "-1e309",
        "1e30",
        "1000000000000000000000000000000",
        "",
        "5, 6",
        "\u{663}",
        &huge,
    ] {
        let hostile = carrying(&[
            ("x-ratelimit-limit-requests", value),
            ("x-ratelimit-remaining-requests", value),
            ("x-ratelimit-reset-requests", value),
            ("anthropic-ratelimit-requests-reset", value),
        ]);
        hear(&caller, "gpt-5", hostile).await;
    }
    let mut bomb = vec![("x-padding", "x"); 5_000];
    bomb.push(("x-ratelimit-remaining-requests", "0"));
    hear(&caller, "gpt-5", carrying(&bomb)).await;
    // A year away, where the window is a minute: believed for that, and of that model.
    let far = [
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "365d"),
    ];
    hear(&caller, "far", carrying(&far)).await;
    // Models that one caller makes up: no more rest than a 429 could have made rest.
    for i in 0..100 {
        let none = [
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "59s"),
        ];
        hear(&caller, &format!("m{i}"), carrying(&none)).await;
    }
    let resting: i64 = sqlx::query_scalar("select count(*) from cooldowns")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap();
    assert_eq!(resting, 64);
    hear(&caller, "gpt-5", stating(500)).await;
    let told = eventually_some("what is plain", async || learned(&admin).await.pop()).await;
    assert_eq!((told.amount, told.limit.as_str()), (500, ""));
}
