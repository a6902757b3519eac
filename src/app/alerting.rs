//! The workers of alerts: one that looks, and one for each receiver, so that one that hangs keeps no other waiting.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::supervision::{every, is_next, round};
use crate::metric_names::{ALERT_UNDELIVERED_SECONDS, ALERTS_OPEN};
use crate::store::connection::{ANSWER_WITHIN, CHANGE_WITHIN, in_time};
use crate::vault::{Alerting, Vault, Watched};

/// How soon a condition is seen.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How soon what was opened is sent.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// What is not urgent.
const CHORES_EVERY: Duration = Duration::from_mins(1);
/// What is on its way when the replica ends may take so long to arrive: cut off, it would be sent again by another.
const SENT_WITHIN: Duration = Duration::from_secs(2);

/// Starts them.
pub(super) fn start(
    tasks: &mut JoinSet<()>,
    vault: &Arc<Vault>,
    alerting: &Arc<Alerting>,
    stop: &CancellationToken,
) {
    Vault::count_no_deliveries(alerting);
    tasks.spawn(look(Arc::clone(vault), Arc::clone(alerting), stop.clone()));
    for place in 0..alerting.sinks.len() {
        let sending = send(Arc::clone(vault), Arc::clone(alerting), place);
        tasks.spawn(until_stopped(sending, stop.clone()));
    }
    tasks.spawn(forget(Arc::clone(vault), stop.clone()));
}

async fn until_stopped(sending: impl Future<Output = ()>, stop: CancellationToken) {
    let cut_off = async {
        stop.cancelled().await;
        sleep(SENT_WITHIN).await;
    };
    tokio::select! {
        () = sending => {}
        () = cut_off => {}
    }
}

/// Looks what holds, and shows how many alerts are open.
async fn look(vault: Arc<Vault>, alerting: Arc<Alerting>, stop: CancellationToken) {
    let mut ticks = every(LOOK_EVERY);
    let known = Arc::<Watched>::default();
    let mut was_well = true;
    while is_next(&mut ticks, &stop).await {
        let (looking, by, known) = (
            Arc::clone(&vault),
            Arc::clone(&alerting),
            Arc::clone(&known),
        );
        let looked =
            round(async move { in_time(CHANGE_WITHIN, looking.watch_alerts(&by, &known)).await });
        let failure = match looked.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = failure.as_ref().filter(|_| was_well) {
            tracing::warn!(%error, "alerts cannot be opened or ended, it is tried again");
        }
        was_well = failure.is_none();
        if was_well {
            show(&vault, &alerting).await;
        }
    }
}

async fn show(vault: &Vault, alerting: &Alerting) {
    let counted = in_time(ANSWER_WITHIN, vault.count_alerts(alerting)).await;
    let Ok(counted) = counted else { return };
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    for (kind, count) in counted.open {
        gauge!(ALERTS_OPEN, "kind" => kind).set(count as f64);
    }
    for (sink, age) in counted.waiting {
        gauge!(ALERT_UNDELIVERED_SECONDS, "sink" => sink).set(age.as_secs_f64());
    }
}

/// Sends what is due to one receiver.
async fn send(vault: Arc<Vault>, alerting: Arc<Alerting>, place: usize) {
    let mut ticks = every(SEND_EVERY);
    loop {
        ticks.tick().await;
        loop {
            let (sending, by) = (Arc::clone(&vault), Arc::clone(&alerting));
            let sent = round(async move { sending.deliver_alerts(&by, place).await });
            match sent.await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => break,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "what is due of alerts cannot be read, it is tried again");
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "alerts could not be sent, it is tried again");
                    break;
                }
            }
        }
    }
}

async fn forget(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(CHORES_EVERY);
    while is_next(&mut ticks, &stop).await {
        if let Err(error) = in_time(ANSWER_WITHIN, vault.forget_alerts()).await {
            tracing::warn!(%error, "old alerts could not be forgotten, it is tried again in a minute");
        }
    }
}
