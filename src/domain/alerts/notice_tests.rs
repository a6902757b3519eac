use super::*;

fn notice(summary: &str) -> Notice {
    Notice {
        id: Uuid::from_u128(1),
        event: Event::Opened,
        alert: Uuid::from_u128(2),
        kind: "pool_exhausted".to_owned(),
        resource: "pools/p".to_owned(),
        severity: Severity::Critical,
        summary: summary.to_owned(),
        remedy: "add keys".to_owned(),
        until: Some(Timestamp::from_micros(1_800_000_000_000_000)),
        open_time: Timestamp::from_micros(i64::MAX),
        resolve_time: None,
    }
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

const HOSTILE: &str = "<!channel> & <https://evil.example|x> \u{202e}\u{1b}[2J \"]}";

#[test]
fn slack_sees_no_markup_of_ours() {
    let body = parsed(&notice(HOSTILE).slack_body());
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt; &amp; &lt;https://evil"));
    assert!(!text.contains(['<', '>', '\u{202e}', '\u{1b}']));
    assert_eq!(body["mrkdwn"], false);
}

#[test]
fn telegram_gets_text_without_a_parse_mode_and_a_number_where_the_chat_is_one() {
    let body = parsed(&notice(HOSTILE).telegram_body("-100123"));
    assert_eq!(body["chat_id"], -100_123);
    assert!(body.get("parse_mode").is_none());
    assert!(body["text"].as_str().unwrap().contains("<!channel> &"));
    let body = parsed(&notice("x").telegram_body("@ops"));
    assert_eq!(body["chat_id"], "@ops");
}

#[test]
fn a_webhook_gets_every_field_as_it_is() {
    let body = parsed(&notice(HOSTILE).webhook_body());
    assert_eq!(body["summary"], HOSTILE);
    assert_eq!(body["until"], "2027-01-15T08:00:00Z");
    assert_eq!(body["open_time"], "9999-12-31T23:59:59Z");
    assert_eq!(body["resolve_time"], Value::Null);
    assert_eq!(body["event"], "opened");
    assert_eq!(body["severity"], "critical");
}

#[test]
fn no_chat_message_is_longer_than_its_receiver_takes() {
    let long = notice(&"<".repeat(100_000));
    let slack = parsed(&long.slack_body());
    assert!(slack["text"].as_str().unwrap().chars().count() < 12_000);
    let telegram = parsed(&long.telegram_body("1"));
    assert_eq!(
        telegram["text"].as_str().unwrap().chars().count(),
        TEXT_CHARS_MAX + 1
    );
}

#[test]
fn the_end_of_an_alert_asks_for_nothing() {
    let over = Notice {
        event: Event::Resolved,
        ..notice("pools/p is exhausted")
    };
    assert_eq!(
        over.text(),
        "KeyLease resolved: pool_exhausted\nno longer so: pools/p is exhausted"
    );
}
