//! Alerts, from a condition to real servers that stand where people's do: told once by the fleet, whatever fails on the way.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac as _};
use keylease::proto::{self, AlertKind, AlertSeverity};
use sha2::Sha256;

use crate::harness::alerted::{A_WHILE, alerts, kill, of_kind, opened, telling};
use crate::harness::canary::check;
use crate::harness::client::Client;
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::receivers::{Heard, Mode, Receivers, SIGNING_SECRET};

/// The secret of a key that dies.
const KEY: &str = "sk-Canary_Alerted_w4Rt7Yz2Kq8";

fn with_text(heard: &[Heard], text: &str) -> usize {
    let texts = heard.iter().map(|heard| heard.json()["text"].to_string());
    texts.filter(|found| found.contains(text)).count()
}

/// As a receiver would check it, by the words of the README alone.
fn is_signed(heard: &Heard) -> bool {
    let (id, time) = (
        heard.header("webhook-id"),
        heard.header("webhook-timestamp"),
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).unwrap();
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(&heard.body);
    let wanted = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.unwrap().as_secs().abs_diff(time.parse().unwrap());
    let mut signatures = heard.header("webhook-signature").split(' ');
    age < 300 && signatures.any(|signature| signature == wanted)
}

#[tokio::test]
async fn what_three_replicas_see_is_told_once_though_nobody_listened_at_first() {
    let mut receivers = Receivers::closed().await;
    let (mut cluster, admin) = telling(&receivers, 3, "info").await;
    admin.create_lessee("search", "p").await;
    let key = kill(&cluster, &admin, "p").await;
    let died = opened(&admin, AlertKind::KeyDied).await;
    assert_eq!(died.resource, format!("{key}/versions/1"));
    assert_eq!(died.severity(), AlertSeverity::Warning);
    assert!(died.until.is_some() && died.remedy.contains("keylease keys rotate"));
    let tried = async || {
        let alerts = alerts(&admin, true).await;
        let mut told = alerts.iter().flat_map(|alert| &alert.deliveries);
        told.all(|d| d.sink == "log" || (d.attempts > 0 && !d.detail.is_empty()))
    };
    eventually("every receiver was tried", tried).await;
    // What waits is in the database, not in a process.
    assert!(cluster.replicas[1].end("-TERM").await.status.success());
    cluster.replicas[2].end("-KILL").await;
    receivers.listen().await;
    for receiver in receivers.each() {
        // The key, and that the pool has one healthy key left.
        receiver.hears(2).await;
    }
    tokio::time::sleep(A_WHILE).await;
    let [webhook, slack, telegram] = receivers.each().map(|receiver| receiver.heard());
    assert_eq!((webhook.len(), slack.len(), telegram.len()), (2, 2, 2));
    assert_eq!(of_kind(&webhook, "key_died", "opened"), 1);
    assert_eq!(of_kind(&webhook, "last_healthy_key", "opened"), 1);
    assert!(webhook.iter().all(is_signed));
    let body = webhook
        .iter()
        .map(Heard::json)
        .find(|body| body["kind"] == "key_died");
    let body = body.unwrap();
    assert_eq!(body["alert"], died.uid);
    assert_eq!(body["resource"], died.resource);
    assert_eq!(with_text(&slack, "key_died"), 1);
    assert_eq!(with_text(&telegram, "key_died"), 1);
    assert!(
        telegram
            .iter()
            .all(|heard| heard.json()["chat_id"] == -1001)
    );
    ends_once(&receivers, &admin, &key).await;
}

/// Once the key is well again, every receiver hears that it is over, once.
async fn ends_once(receivers: &Receivers, admin: &Client, key: &str) {
    let clear = proto::ClearHealthRequest {
        name: key.to_owned(),
        ..Default::default()
    };
    admin.admin.clone().clear_health(clear).await.unwrap();
    for receiver in receivers.each() {
        receiver.hears(4).await;
    }
    tokio::time::sleep(A_WHILE).await;
    let webhook = receivers.webhook.heard();
    assert_eq!(webhook.len(), 4);
    assert_eq!(of_kind(&webhook, "key_died", "resolved"), 1);
    assert_eq!(receivers.slack.heard().len(), 4);
    assert_eq!(
        with_text(&receivers.slack.heard(), "KeyLease resolved: key_died"),
        1
    );
    assert_eq!(receivers.telegram.heard().len(), 4);
    assert!(alerts(admin, true).await.is_empty());
    let all = alerts(admin, false).await;
    assert_eq!(all.len(), 2);
    let told = all.iter().flat_map(|alert| &alert.deliveries);
    assert!(told.clone().all(|delivery| delivery.delivered));
    assert_eq!(told.count(), 16);
}

#[tokio::test]
async fn a_webhook_that_hangs_keeps_no_lease_and_no_other_receiver_waiting() {
    let receivers = Receivers::open().await;
    receivers.webhook.does(Mode::Hangs);
    let (cluster, admin) = telling(&receivers, 1, "info").await;
    admin.create_lessee("search", "p").await;
    kill(&cluster, &admin, "p").await;
    receivers.webhook.hears(1).await;
    receivers.slack.hears(2).await;
    receivers.telegram.hears(2).await;
    let token = admin.create_token("search").await.text;
    let caller = cluster.client(0, &token).await;
    let began = Instant::now();
    for _ in 0..300 {
        caller.lease("p").await;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let waits = "keylease_alert_undelivered_seconds{sink=\"webhook\"}";
    let waiting = async || cluster.replicas[0].metric(waits).await > Some(0.0);
    eventually("a gauge tells that the webhook is waited for", waiting).await;
    let open = "keylease_alerts_open{kind=\"key_died\"}";
    assert_eq!(cluster.replicas[0].metric(open).await, Some(1.0));
    // A message that was not answered comes again with the same id.
    let heard = receivers.webhook.hears(3).await;
    let mut ids: Vec<&str> = heard.iter().map(|h| h.header("webhook-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn receivers_that_misbehave_get_no_secret_out_and_nothing_into_the_process() {
    let receivers = Receivers::open().await;
    receivers.webhook.does(Mode::Floods);
    receivers
        .slack
        .does(Mode::Redirects("http://169.254.169.254/latest/meta-data"));
    receivers.telegram.does(Mode::Answers(503));
    let (mut cluster, admin) = telling(&receivers, 1, "trace").await;
    admin.create_account("c", "").await;
    admin.create_key("c", "k", KEY).await;
    admin.create_pool("canary", &["c"]).await;
    admin.create_lessee("search", "canary").await;
    kill(&cluster, &admin, "canary").await;
    let died = async || {
        let alerts = alerts(&admin, true).await;
        let alert = alerts
            .into_iter()
            .find(|a| a.kind() == AlertKind::KeyDied)?;
        let is_tried = |d: &proto::AlertDelivery| d.delivered || !d.detail.is_empty();
        alert.deliveries.iter().all(is_tried).then_some(alert)
    };
    let died = eventually_some("every receiver was tried", died).await;
    let detail = |sink: &str| {
        let told = died.deliveries.iter().find(|d| d.sink == sink).unwrap();
        (told.delivered, told.detail.clone())
    };
    assert_eq!(detail("log"), (true, "logged".to_owned()));
    // It took the message before it said too much.
    assert_eq!(detail("webhook"), (true, "answered 200".to_owned()));
    assert_eq!(detail("slack"), (false, "answered 307".to_owned()));
    assert_eq!(detail("telegram"), (false, "answered 503".to_owned()));
    let paths = receivers.each().map(|r| r.heard()[0].path.clone());
    assert!(paths[2].starts_with("/api/bot123456:"), "{paths:?}");
    let secrets = [Receivers::secrets(), vec![KEY.to_owned()]].concat();
    check("an alert", &format!("{died:?}"), &secrets);
    check(
        "the database",
        &cluster.database.dump().await,
        &Receivers::secrets(),
    );
    check("/metrics", &cluster.replicas[0].metrics().await, &secrets);
    for heard in receivers.each().iter().flat_map(|r| r.heard()) {
        check("a message", &String::from_utf8_lossy(&heard.body), &secrets);
    }
    cluster.replicas[0].end("-TERM").await;
    let said = cluster.replicas[0].said();
    assert!(said.contains("\"alert.kind\":\"key_died\""));
    check("the log", &said, &Receivers::secrets());
}
