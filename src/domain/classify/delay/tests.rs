use super::*;
use crate::domain::classify::Response;

/// 2026-02-18 21:59:30 UTC.
const NOW: i64 = 1_771_451_970;

fn stated(headers: &[(&str, &str)], body: &str) -> Option<u128> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let evidence = Evidence::of(&Response {
        status: 429,
        headers: &headers,
        body: body.as_bytes(),
    });
    let now = Timestamp::from_micros(NOW * 1_000_000);
    let clock = Clock::of(&evidence, Some(now), 0);
    let stated = Stated::of(&evidence, clock).about(FailureClass::RateLimit);
    stated.map(|stated| stated.as_millis())
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    for (name, value, millis) in [
        ("retry-after", "30", 30_000),
        ("retry-after", " 1.5 ", 1_500),
        ("retry-after", "30s", 30_000),
        ("retry-after-ms", "250", 250),
        ("retry-after", "Wed, 18 Feb 2026 22:00:30 GMT", 60_000),
        ("retry-after", "Wed, 18 Feb 2026 21:00:00 GMT", 0),
        ("retry-after", "2026-02-18T22:00:00Z", 30_000),
        ("retry-after", "1771452000", 30_000),
        ("retry-after", "0", 0),
        ("retry-after", "30, 30", 30_000),
        ("retry-after", "5,120", 120_000),
        ("retry-after", "Wed, 18 Feb 2026 22:00:30 GMT, 20", 20_000),
        ("retry-after-ms", "1209600000", 1_209_600_000),
        ("retry-after-ms", "1800000000", 1_800_000_000),
        ("retry-after-ms", "2592000000", 2_592_000_000),
        ("retry-after-ms", "1771452000000", 30_000),
    ] {
        assert_eq!(stated(&[(name, value)], ""), Some(millis), "{value}");
    }
}

#[test]
fn negative_and_absurd_values_state_nothing() {
    for value in [
        "",
        "-5",
        "soon",
        "NaN",
        "inf",
        "1e",
        "\u{0}",
        "999999999999999999999",
    ] {
        assert_eq!(stated(&[("retry-after", value)], ""), None, "{value:?}");
    }
    assert_eq!(
        stated(&[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")], ""),
        None
    );
    assert_eq!(stated(&[("x-retry", "5")], ""), None);
    assert_eq!(
        stated(&[("expires", "Wed, 18 Feb 2026 22:00:30 GMT")], ""),
        None
    );
}

#[test]
fn a_quarter_is_cut_to_31_days_and_so_are_two_years() {
    let month = TTL_MAX.as_millis();
    for seconds in ["7776000", "63072000", "999999999"] {
        assert_eq!(stated(&[("retry-after", seconds)], ""), Some(month));
    }
}

#[test]
fn resets_are_read_in_all_their_forms() {
    for value in [
        "30s",
        "30000ms",
        "0m30s",
        "30",
        "30.0",
        "2026-02-18T22:00:00Z",
        "1771452000",
        "1771452000000",
    ] {
        assert_eq!(
            stated(&[("x-ratelimit-reset-tokens", value)], ""),
            Some(30_000),
            "{value}"
        );
        assert_eq!(
            stated(&[("X-RateLimit-Reset", value)], ""),
            Some(30_000),
            "{value}"
        );
    }
    assert_eq!(
        stated(&[("ratelimit", "limit=10, remaining=0, reset=50")], ""),
        Some(50_000)
    );
    assert_eq!(
        stated(&[("ratelimit", "\"default\";r=0;t=50")], ""),
        Some(50_000)
    );
}

#[test]
fn of_several_budgets_the_spent_one_counts() {
    let headers = [
        ("x-ratelimit-remaining-requests", "14370"),
        ("x-ratelimit-reset-requests", "2m59.56s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "7.66s"),
    ];
    assert_eq!(stated(&headers, ""), Some(7_660));
    assert_eq!(stated(&headers[..2], ""), Some(179_560));
    let both = [
        ("x-ratelimit-remaining", "0, 1998"),
        ("x-ratelimit-reset", "1, 1419704"),
    ];
    assert_eq!(stated(&both, ""), Some(1_000));
}

#[test]
fn what_is_said_of_this_request_comes_before_resets() {
    let headers = [("retry-after", "2"), ("x-ratelimit-reset-tokens", "7.66s")];
    assert_eq!(stated(&headers, ""), Some(2_000));
}

#[test]
fn what_is_told_to_be_over_gives_way_to_a_reset() {
    let reset = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "6m0s"),
    ];
    for told in ["0", "0.0", "Wed, 18 Feb 2026 21:00:00 GMT"] {
        let headers = [("retry-after", told), reset[0], reset[1]];
        assert_eq!(stated(&headers, ""), Some(360_000), "{told}");
    }
    assert_eq!(stated(&[("retry-after", "0")], ""), Some(0));
}

#[test]
fn bodies_state_delays_in_fields() {
    for (body, millis) in [
        (r#"{"error":{"resets_in_seconds":444287}}"#, 444_287_000),
        (r#"{"error":{"details":[{"retryDelay":"58s"}]}}"#, 58_000),
        (r#"{"retry_after":64.57,"global":false}"#, 64_570),
        (r#"{"ok":false,"parameters":{"retry_after":35}}"#, 35_000),
        (
            r#"{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"1771452000000"}}}}"#,
            30_000,
        ),
        (
            r#"{"details":[{"metadata":{"quotaResetDelay":"2h31m10.4s"}}]}"#,
            9_070_400,
        ),
        (r#"{"error":{"resets_at":1771452000}}"#, 30_000),
        (r#"{"error":"x","estimated_time":20.0}"#, 20_000),
    ] {
        assert_eq!(stated(&[], body), Some(millis), "{body}");
    }
}

#[test]
fn bodies_state_delays_in_prose() {
    for (body, millis) in [
        ("Please try again in 1.574s. Contact us", 1_574),
        ("Please try again in 644ms.", 644),
        ("please try again in 9m38.016s. Need more", 578_016),
        ("Please retry in 58.821668433s.", 58_821),
        ("Please retry after 86400 seconds.", 86_400_000),
        ("Quota will be replenished in 22.14:18:12.", 1_952_292_000),
        ("Too Many Requests: retry after 35", 35_000),
        ("please try again after 1 seconds", 1_000),
        ("Your quota will reset after 11h24m37s.", 41_077_000),
        ("Please wait 2 minutes and 5 seconds before", 125_000),
        ("请求过于频繁，请在 30 秒后重试", 30_000),
        ("请 5 分钟后再试", 300_000),
        ("您的限额将在 2026-02-19 06:00:00 重置。", 30_000),
        ("You will regain access on 2026-02-18 at 22:00 UTC.", 30_000),
        ("usage limit reached|1771452000", 30_000),
    ] {
        assert_eq!(stated(&[], body), Some(millis), "{body}");
    }
}

#[test]
fn a_time_of_day_is_the_next_one_and_no_length_of_time() {
    for (body, millis) in [
        ("You are limited until 22:30:00 UTC.", Some(1_830_000)),
        ("limited until 22:30 utc", Some(1_830_000)),
        ("Your limit resets at 00:00:00 GMT", Some(7_230_000)),
        ("try again at 21:59:30 UTC", Some(86_400_000)),
        ("available again at 06:00:00Z", Some(28_830_000)),
        ("You are limited until 14:30:00", None),
        ("Your limit resets at 2:30:00 PM UTC", None),
        ("resets at 22:30:00 PST", None),
        ("limited until 25:00:00 UTC", None),
        ("Your limit resets in 00:30:00.", Some(1_800_000)),
        ("try again after 00:01:30", Some(90_000)),
    ] {
        assert_eq!(stated(&[], body), millis, "{body}");
    }
}

#[test]
fn prose_without_a_delay_states_none() {
    for body in [
        "Please wait a few minutes before you try again.",
        "If you just verified, it can take up to 15 minutes for access to propagate.",
        "limit: 40 API calls / minute. Please try again later. 30 seconds",
        "The limit resets every 24 hours.",
        "please retry with model 4o-mini 5 times",
        "Please retry after -5 seconds",
        "try again in 3 of 5 regions",
    ] {
        assert_eq!(stated(&[], body), None, "{body}");
    }
}

#[test]
fn a_time_of_day_states_nothing_where_nobody_knows_the_time() {
    let evidence = |body: &str| {
        Evidence::of(&Response {
            status: 429,
            headers: &[],
            body: body.as_bytes(),
        })
    };
    for body in [
        "您的限额将在 2026-02-19 06:00:00 重置。",
        r#"{"resets_at":1771452000}"#,
    ] {
        let evidence = evidence(body);
        let clock = Clock::of(&evidence, None, 0);
        assert_eq!(Stated::of(&evidence, clock).longest(), None, "{body}");
    }
}
