//! Bringing messages to where people look. Each sink has a turn of its own, so that one that hangs keeps no other waiting; and whatever it
//! does, no lease knows of it.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::sink::{Alerting, Sink};
use crate::domain::alerts::Severity;
use crate::domain::alerts::delivery::{Event, Next, SinkKind, after_failure};
use crate::domain::alerts::notice::Notice;
use crate::domain::cooling::jitter;
use crate::domain::time::Timestamp;
use crate::live::clock::host_time;
use crate::metric_names::ALERT_DELIVERIES;
use crate::outbound::Answer;
use crate::store;
use crate::store::alert_deliveries::{self, Due};
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::vault::Vault;

/// Messages to one sink at a time: few, since chats allow about one a second.
const BATCH_MAX: i64 = 4;
/// A message that was taken is left alone by others for so long: longer than a try takes, and than it is then tried to note that it arrived.
const HOLD: Duration = Duration::from_mins(2);
/// For so long it is tried to note what became of a message: forgotten, it would be sent again.
const NOTE_WITHIN: Duration = Duration::from_mins(1);
/// Between two tries to note it.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// What became of a test message.
#[derive(Debug)]
pub struct TestDelivery {
    /// Where it went.
    pub sink: SinkKind,
    /// Whether it was taken.
    pub delivered: bool,
    /// What it came to, in a few words.
    pub detail: String,
    /// How long it took.
    pub took: Duration,
}

/// What one try came to.
struct Tried {
    delivered: bool,
    detail: String,
    /// How long the receiver asked to be left alone.
    stated: Option<Duration>,
}

const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";
const GIVEN_UP: &str = "given_up";

fn count(sink: &'static str, result: &'static str, tries: u64) {
    counter!(ALERT_DELIVERIES, "sink" => sink, "result" => result).increment(tries);
}

impl Vault {
    /// Sends what is due to one sink of `alerting`, by its place; answers whether there may be more.
    ///
    /// # Errors
    /// As every query.
    pub async fn deliver_alerts(
        self: &Arc<Self>,
        alerting: &Arc<Alerting>,
        place: usize,
    ) -> store::Result<bool> {
        let Some(sink) = alerting.sinks.get(place) else {
            return Ok(false);
        };
        let taken = async {
            let mut conn = acquire(&self.pool).await?;
            alert_deliveries::take(&mut conn, sink.kind(), HOLD, BATCH_MAX).await
        };
        let due = in_time(ANSWER_WITHIN, taken).await?;
        let count = due.len();
        let mut sending = JoinSet::new();
        for due in due {
            let (vault, alerting) = (Arc::clone(self), Arc::clone(alerting));
            sending.spawn(async move { vault.deliver(&alerting, place, due).await });
        }
        while sending.join_next().await.is_some() {}
        Ok(i64::try_from(count).is_ok_and(|count| count == BATCH_MAX))
    }

    /// From the start: a rate of what was never counted is no rate of zero.
    pub fn count_no_deliveries(alerting: &Alerting) {
        for sink in &alerting.sinks {
            for result in [DELIVERED, FAILED, GIVEN_UP] {
                count(sink.kind().as_str(), result, 0);
            }
        }
    }

    async fn deliver(&self, alerting: &Alerting, place: usize, due: Due) {
        let Some(sink) = alerting.sinks.get(place) else {
            return;
        };
        let now = self.live.now().database;
        let tried = send(alerting, sink, &notice(&due)).await;
        let next = after_failure(due.attempts, due.age, tried.stated, jitter(now));
        let result = match next {
            _ if tried.delivered => DELIVERED,
            Next::Retry(_) => FAILED,
            Next::GiveUp => GIVEN_UP,
        };
        let kind = sink.kind().as_str();
        count(kind, result, 1);
        if !tried.delivered {
            let (detail, attempts) = (&tried.detail, due.attempts);
            tracing::warn!(sink = kind, delivery = %due.uid, attempts, result, detail, "an alert did not arrive");
        }
        self.note_delivery(&due, &tried, next).await;
    }

    /// Notes what became of it, for as long as nobody else takes it.
    async fn note_delivery(&self, due: &Due, tried: &Tried, next: Next) {
        let deadline = Instant::now() + NOTE_WITHIN;
        loop {
            let noted = async {
                let mut conn = acquire(&self.pool).await?;
                match next {
                    Next::Retry(wait) if !tried.delivered => {
                        let (uid, attempts) = (due.uid, due.attempts);
                        alert_deliveries::put_off(&mut conn, uid, attempts, wait, &tried.detail)
                            .await
                    }
                    Next::Retry(_) | Next::GiveUp => {
                        let (uid, delivered) = (due.uid, tried.delivered);
                        alert_deliveries::end(&mut conn, uid, delivered, &tried.detail).await
                    }
                }
            };
            let Err(error) = in_time(ANSWER_WITHIN, noted).await else {
                return;
            };
            if Instant::now() > deadline {
                tracing::warn!(%error, delivery = %due.uid, "what became of a message could not be noted, it may be sent again");
                return;
            }
            sleep(NOTE_EVERY).await;
        }
    }
}

/// Tries every sink at once.
pub(super) async fn test(alerting: &Arc<Alerting>, by: &str, now: Timestamp) -> Vec<TestDelivery> {
    let notice = Arc::new(Notice::test(Uuid::new_v4(), by, now));
    let mut trying = JoinSet::new();
    for place in 0..alerting.sinks.len() {
        let (alerting, notice) = (Arc::clone(alerting), Arc::clone(&notice));
        trying.spawn(async move {
            let sink = alerting.sinks.get(place)?;
            let began = Instant::now();
            let tried = send(&alerting, sink, &notice).await;
            Some(TestDelivery {
                sink: sink.kind(),
                delivered: tried.delivered,
                detail: tried.detail,
                took: began.elapsed(),
            })
        });
    }
    let mut tried: Vec<_> = trying.join_all().await.into_iter().flatten().collect();
    tried.sort_by_key(|tried| tried.sink);
    tried
}

async fn send(alerting: &Alerting, sink: &Sink, notice: &Notice) -> Tried {
    let request = match sink.request(notice, alerting.allow_http, host_time()) {
        Ok(Some(request)) => request,
        Ok(None) => {
            log(notice);
            return Tried::as_told(true, "logged");
        }
        Err(error) => return Tried::as_told(false, &error.to_string()),
    };
    match alerting.outbound.send(request).await {
        Ok(answer) => Tried {
            delivered: (200..300).contains(&answer.status),
            detail: format!("answered {}", answer.status),
            stated: stated(&answer),
        },
        Err(error) => Tried::as_told(false, &error.to_string()),
    }
}

impl Tried {
    fn as_told(delivered: bool, detail: &str) -> Self {
        Self {
            delivered,
            detail: detail.to_owned(),
            stated: None,
        }
    }
}

/// How long the receiver asks to be left alone, in whole seconds, as chats have it.
fn stated(answer: &Answer) -> Option<Duration> {
    let mut headers = answer.headers.iter();
    let (_, value) = headers.find(|(name, _)| name == "retry-after")?;
    let seconds = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn notice(due: &Due) -> Notice {
    let alert = due.alert.clone();
    Notice {
        id: due.uid,
        event: Event::from_stored(&due.event).unwrap_or(Event::StillOpen),
        alert: alert.uid,
        kind: alert.kind,
        resource: alert.resource,
        severity: alert.severity,
        summary: alert.summary,
        remedy: alert.remedy,
        until: alert.until,
        open_time: alert.open_time,
        resolve_time: alert.resolve_time,
    }
}

fn log(notice: &Notice) {
    let (kind, resource, event) = (&notice.kind, &notice.resource, notice.event.as_str());
    let (alert, summary, remedy) = (notice.alert, &notice.summary, &notice.remedy);
    let severity = notice.severity.as_str();
    let is_bad = matches!(notice.event, Event::Opened | Event::StillOpen);
    if is_bad && notice.severity != Severity::Info {
        tracing::warn!(alert.kind = kind, alert.event = event, alert.uid = %alert, severity, resource, summary, remedy, "an alert");
    } else {
        tracing::info!(alert.kind = kind, alert.event = event, alert.uid = %alert, severity, resource, summary, remedy, "an alert");
    }
}
