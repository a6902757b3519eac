//! Alerts that last: told again while they are open, and not forgotten though every replica ends.

use keylease::proto::AlertKind;

use crate::harness::alerted::{A_WHILE, kill, of_kind, opened, telling};
use crate::harness::cluster::eventually;
use crate::harness::receivers::{Mode, Receivers};

#[tokio::test]
async fn what_is_open_still_is_told_again_once_in_every_while() {
    let receivers = Receivers::open().await;
    let (cluster, admin) = telling(&receivers, 2, "info").await;
    admin.create_lessee("search", "p").await;
    kill(&cluster, &admin, "p").await;
    receivers.webhook.hears(2).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(receivers.webhook.heard().len(), 2, "a day is not over");
    let a_day_on =
        "update alerts set told_time = told_time - interval '25 hours' where kind = 'key_died'";
    let pool = &cluster.database.pool;
    sqlx::query(a_day_on).execute(pool).await.unwrap();
    for receiver in receivers.each() {
        receiver.hears(3).await;
    }
    tokio::time::sleep(A_WHILE).await;
    let heard = receivers.webhook.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(of_kind(&heard, "key_died", "still_open"), 1);
    let alert = opened(&admin, AlertKind::KeyDied).await.uid;
    let of_it = heard.iter().filter(|heard| heard.json()["alert"] == alert);
    assert_eq!(of_it.count(), 2);
}

#[tokio::test]
async fn what_nobody_took_is_tried_by_whoever_comes_after_all_replicas_ended() {
    let receivers = Receivers::open().await;
    receivers.webhook.does(Mode::Answers(503));
    let (mut cluster, admin) = telling(&receivers, 2, "info").await;
    admin.create_lessee("search", "p").await;
    kill(&cluster, &admin, "p").await;
    opened(&admin, AlertKind::KeyDied).await;
    receivers.webhook.hears(1).await;
    receivers.slack.hears(2).await;
    receivers.telegram.hears(2).await;
    tokio::time::sleep(A_WHILE).await;
    assert!(cluster.replicas[0].end("-TERM").await.status.success());
    cluster.replicas[1].end("-KILL").await;
    cluster.replicas.clear();
    let before = receivers.webhook.heard();
    receivers.webhook.does(Mode::Answers(200));
    let variables = receivers.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    cluster.add_with(&variables).await;
    let taken = async || receivers.webhook.heard().len() == before.len() + 2;
    eventually("both messages are taken", taken).await;
    tokio::time::sleep(A_WHILE).await;
    let after = &receivers.webhook.heard()[before.len()..];
    assert_eq!(of_kind(after, "key_died", "opened"), 1);
    assert_eq!(of_kind(after, "last_healthy_key", "opened"), 1);
    assert_eq!(after.len(), 2, "each is taken once");
    // What was tried before keeps its id, so that whoever took it unheard can tell.
    let id = before[0].header("webhook-id");
    assert!(after.iter().any(|heard| heard.header("webhook-id") == id));
    // Those who took theirs hear nothing twice.
    let heard = (
        receivers.slack.heard().len(),
        receivers.telegram.heard().len(),
    );
    assert_eq!(heard, (2, 2));
}
