//! Tests of `probe.rs`.

use super::*;
use crate::domain::classify::built_in;

const HOUR: Duration = Duration::from_hours(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn asks(profile: Profile, base_url: &str) -> Option<String> {
    url(profile, base_url).map(|url| url.to_string())
}

#[test]
fn a_probe_asks_for_what_lists_and_costs_nothing() {
    for (profile, base_url, wanted) in [
        (
            Profile::Openai,
            "https://api.openai.com/v1",
            "https://api.openai.com/v1/models",
        ),
        (
            Profile::Openai,
            "https://api.openai.com",
            "https://api.openai.com/v1/models",
        ),
        (
            Profile::Openai,
            "https://api.groq.com/openai/v1",
            "https://api.groq.com/openai/v1/models",
        ),
        (
            Profile::Openai,
            "https://openrouter.ai/api/v1",
            "https://openrouter.ai/api/v1/key",
        ),
        (
            Profile::Anthropic,
            "https://api.anthropic.com",
            "https://api.anthropic.com/v1/models?limit=1",
        ),
        (
            Profile::Anthropic,
            "https://api.anthropic.com/v1",
            "https://api.anthropic.com/v1/models?limit=1",
        ),
        (
            Profile::Gemini,
            "https://generativelanguage.googleapis.com",
            "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1",
        ),
        (
            Profile::Gemini,
            "https://generativelanguage.googleapis.com/v1beta",
            "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1",
        ),
        (
            Profile::Stripe,
            "https://api.stripe.com",
            "https://api.stripe.com/v1/balance",
        ),
    ] {
        assert_eq!(asks(profile, base_url).as_deref(), Some(wanted));
    }
    assert_eq!(asks(Profile::Generic, "https://api.example.com"), None);
}

fn judged(provider: &str, status: u16, headers: &[(&str, &str)], body: &str) -> ProbeResult {
    probed(provider, status, headers, body).result
}

fn probed(provider: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Probed {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    let headers: Vec<_> = headers.collect();
    let response = Response {
        status,
        headers: &headers,
        body: body.as_bytes(),
    };
    let rules = built_in().unwrap().named(provider);
    Probed::judged(&response, rules, at(1), Duration::ZERO)
}

#[test]
fn only_what_is_about_the_key_says_something_of_it() {
    let invalid = r#"{"error":{"message":"Incorrect API key provided.","code":"invalid_api_key"}}"#;
    let leaked = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Your API key was reported as leaked. Please use another API key."}}"#;
    let closed = r#"{"error":{"message":"deactivated","code":"account_deactivated"}}"#;
    for (provider, status, body) in [
        ("openai", 401, invalid),
        ("openai", 401, ""),
        ("gemini", 403, leaked),
        ("openai", 401, closed),
    ] {
        let found = judged(provider, status, &[], body);
        assert_eq!(found, ProbeResult::Rejected, "{status} {body}");
    }
    let list = r#"{"object":"list","data":[{"id":"gpt-4","object":"model"},{"id":"err"#;
    assert_eq!(judged("openai", 200, &[], list), ProbeResult::Well);
    assert_eq!(judged("openai", 204, &[], ""), ProbeResult::Well);
    for (provider, body) in [
        (
            "openai",
            r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#,
        ),
        (
            "anthropic",
            r#"{"type":"error","error":{"type":"rate_limit_error"}}"#,
        ),
    ] {
        assert_eq!(judged(provider, 429, &[], body), ProbeResult::Spent);
    }
    let page = "<html><title>401 Unauthorized</title>Invalid API key? Sign in to the proxy.</html>";
    for (status, body) in [
        (401, page),
        (401, r#"{"message":"sign in to the network"}"#),
        (302, ""),
        (403, ""),
        (404, "not found"),
        (405, ""),
        (500, "{}"),
        (503, "busy"),
        (529, ""),
    ] {
        let found = judged("openai", status, &[], body);
        assert_eq!(found, ProbeResult::Unclear, "{status} {body}");
    }
}

#[test]
fn a_limit_on_requests_proves_no_key_and_a_budget_that_is_spent_in_words_does() {
    let spent =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    assert!(probed("openai", 200, &[], "{}").is_proof);
    assert!(probed("openai", 429, &[], spent).is_proof);
    let page = [("content-type", "text/html")];
    let long = [("retry-after", "7200")];
    let limited = r#"{"error":{"message":"Rate limit reached for requests"}}"#;
    for (status, headers, body) in [
        (429, &page[..], "<html>Too many requests</html>"),
        (429, &page, "<html>You exceeded your current quota</html>"),
        (429, &[], ""),
        (429, &[("retry-after", "2")], "{}"),
        (429, &long, "{}"),
        (429, &[("x-ratelimit-remaining-requests-day", "0")], "{}"),
        (429, &[], limited),
        (402, &[], "{}"),
    ] {
        let found = probed("openai", status, headers, body);
        assert_eq!(found.result, ProbeResult::Spent, "{status} {body}");
        assert!(!found.is_proof, "{status} {headers:?} {body}");
    }
}

#[test]
fn a_key_that_may_not_list_models_is_not_a_bad_key() {
    for (provider, status, body) in [
        (
            "openai",
            403,
            r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","code":null}}"#,
        ),
        (
            "openai",
            401,
            r#"{"error":{"message":"Missing scopes: api.model.read.","code":"missing_scope"}}"#,
        ),
        (
            "stripe",
            403,
            r#"{"error":{"message":"The provided key 'rk_test_***' does not have the required permissions for this endpoint.","code":"more_permissions_required_for_application"}}"#,
        ),
    ] {
        let found = judged(provider, status, &[], body);
        assert_eq!(found, ProbeResult::Unclear, "{body}");
    }
}

#[test]
fn a_page_for_people_is_nobodys_yes() {
    let html = [("Content-Type", "text/html; charset=utf-8")];
    let found = judged("openai", 200, &html, "<html>Sign in to this network</html>");
    assert_eq!(found, ProbeResult::Unclear);
}

#[test]
fn every_version_has_its_moment_in_every_interval() {
    for seed in 0..50_u128 {
        let version = Uuid::from_u128(seed << 60 | seed);
        let mut last = next_time(version, HOUR, at(1_000_000));
        assert!(last.since(at(1_000_000)) <= HOUR * 9 / 8);
        for _ in 0..20 {
            assert_eq!(next_time(version, HOUR, last.before(HOUR / 9)), last);
            let next = next_time(version, HOUR, last);
            let gap = next.since(last);
            assert!(gap >= HOUR * 7 / 8 && gap <= HOUR * 9 / 8, "{gap:?}");
            last = next;
        }
    }
}

#[test]
fn keys_that_fall_due_together_are_spread_over_the_interval() {
    let mut by_minute = [0_u32; 80];
    for key in 0..6_000_u128 {
        let due = next_time(Uuid::from_u128(key), HOUR, at(7_777_777));
        let minute = due.since(at(7_777_777)).as_secs() / 60;
        by_minute[usize::try_from(minute).unwrap()] += 1;
    }
    assert!(by_minute.iter().all(|count| *count < 180), "{by_minute:?}");
}

#[test]
fn a_late_probe_is_not_followed_by_another_at_once() {
    for seed in 0..100_u128 {
        let next = following(Uuid::from_u128(seed), HOUR, at(5_000_000));
        let gap = next.since(at(5_000_000));
        assert!(gap > HOUR / 2 && gap <= HOUR * 13 / 8, "{gap:?}");
    }
}

#[test]
fn what_others_take_for_something_else_is_unclear() {
    let of = |result, why: &str| Probed {
        result,
        is_proof: result == ProbeResult::Spent,
        ..Probed::unanswered(why, Duration::ZERO)
    };
    let rejected = || of(ProbeResult::Rejected, "status/401");
    assert_eq!(rejected().agreed([]), rejected());
    assert_eq!(rejected().agreed([rejected()]), rejected());
    let others = [rejected(), of(ProbeResult::Spent, "pool/plan")];
    let unclear = rejected().agreed(others);
    assert_eq!(unclear, of(ProbeResult::Unclear, "pool/plan"));
}
