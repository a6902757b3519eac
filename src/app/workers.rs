//! What runs beside the server: the poll, the ledger, reports between replicas, and what is done once a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic_health::server::HealthReporter;

use super::chores::chores;
use super::poll::{poll, show};
use super::probing::probe;
use super::retention::{Retention, retain};
use super::rotating::{rotate, step};
use super::supervision::{every, is_next, round, supervise};
use super::{alerting, auditing, config::MasterKeySources, observe, ring};
use crate::live::heartbeat::Heart;
use crate::live::{canaries, ledger, outbox, spend};
use crate::store;
use crate::vault::{Alerting, Error, Vault};

/// How long the last sums of what was spent may take to be written when a replica ends.
const FLUSH_MAX: Duration = Duration::from_secs(5);
/// How old a count of all keys may be.
const SURVEY_EVERY: Duration = Duration::from_secs(10);
/// How often reports are looked for whose issuer is gone.
const TAKE_OVER_EVERY: Duration = Duration::from_secs(5);
/// How long what a provider states of its limits may wait to be written.
const LEARN_EVERY: Duration = Duration::from_secs(2);
/// All that is known is looked at for something to adopt about once a minute.
const LEARN_ALL_TICKS: u32 = 30;

/// The workers of one replica.
#[derive(Debug)]
pub struct Workers {
    supervised: JoinHandle<()>,
    stop: CancellationToken,
    failed: CancellationToken,
    vault: Arc<Vault>,
}

impl Workers {
    /// Starts them.
    #[must_use]
    pub fn start(
        vault: &Arc<Vault>,
        heart: Heart,
        health: HealthReporter,
        alerts: &Arc<Alerting>,
        kept: Retention,
        master_keys: MasterKeySources,
    ) -> Self {
        let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
        let (told, well) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(poll(Arc::clone(vault), Arc::new(heart), told, stop.clone()));
        tasks.spawn(show(
            Arc::clone(vault),
            health,
            well,
            stop.clone(),
            failed.clone(),
        ));
        let (live, pool) = (Arc::clone(vault.live()), vault.pool().clone());
        tasks.spawn(canaries::run(Arc::clone(&live), pool.clone(), stop.clone()));
        let exchanged = CancellationToken::new();
        tasks.spawn(ledger::run(live, pool, exchanged.clone()));
        tasks.spawn(exchange(
            Arc::clone(vault),
            stop.clone(),
            exchanged.drop_guard(),
        ));
        tasks.spawn(take_over(Arc::clone(vault), stop.clone()));
        tasks.spawn(flush_spend(Arc::clone(vault), stop.clone()));
        tasks.spawn(auditing::watch(Arc::clone(vault), stop.clone()));
        tasks.spawn(Arc::clone(vault).write_journal(stop.clone()));
        tasks.spawn(learn(Arc::clone(vault), stop.clone()));
        tasks.spawn(retain(Arc::clone(vault), kept, stop.clone()));
        tasks.spawn(survey(Arc::clone(vault), stop.clone()));
        let (found, steady) = watch::channel(None);
        tasks.spawn(chores(Arc::clone(vault), steady, stop.clone()));
        tasks.spawn(probe(Arc::clone(vault), stop.clone()));
        tasks.spawn(rotate(Arc::clone(vault), found, stop.clone()));
        tasks.spawn(step(Arc::clone(vault), stop.clone()));
        alerting::start(&mut tasks, vault, alerts, &stop);
        tasks.spawn(ring::keep(Arc::clone(vault), master_keys, stop.clone()));
        tasks.spawn(ring::rewrap(Arc::clone(vault), stop.clone()));
        let supervised = tokio::spawn(supervise(tasks, stop.clone(), failed.clone()));
        Self {
            supervised,
            stop,
            failed,
            vault: Arc::clone(vault),
        }
    }

    /// Cancelled where one of them has ended unasked.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.failed.clone()
    }

    /// Ends them: permits are returned, reports that wait are written, and what was spent is, last, since reports may still have come in.
    pub async fn stop(self) {
        self.stop.cancel();
        // It does nothing that could fail.
        let _ = self.supervised.await;
        let flushed = tokio::time::timeout(FLUSH_MAX, self.vault.flush_spend()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::error!("what was spent last could not be written and is not recorded");
        }
    }
}

/// Carries reports to and from other replicas; at the end once more, for those that came during the last round, or a few times where the
/// database does not answer. Then the ledger may end, which says what they gave back.
async fn exchange(vault: Arc<Vault>, stop: CancellationToken, _ended: DropGuard) {
    let mut ticks = every(outbox::FLUSH_EVERY);
    while is_next(&mut ticks, &stop).await {
        carried(&vault).await;
    }
    let last = async {
        while !carried(&vault).await {
            ticks.tick().await;
        }
    };
    if tokio::time::timeout(FLUSH_MAX, last).await.is_err() {
        tracing::error!(
            "reports could not be exchanged to the end, what other replicas had to know of them is lost"
        );
    }
}

async fn carried(vault: &Arc<Vault>) -> bool {
    let carrying = Arc::clone(vault);
    let carried = round(async move { carry(&carrying).await }).await;
    if let Ok(Err(error)) = &carried {
        tracing::warn!(%error, "reports could not be exchanged, they wait for the next round");
    }
    matches!(carried, Ok(Ok(())))
}

async fn carry(vault: &Vault) -> store::Result<()> {
    vault.send_reports().await?;
    // Also where this replica seems to be alone: one that has left may have written reports before.
    vault.receive_reports().await
}

/// Settles what was reported on leases of replicas that are gone.
async fn take_over(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(TAKE_OVER_EVERY);
    while is_next(&mut ticks, &stop).await {
        if let Err(error) = vault.take_over_reports().await {
            tracing::warn!(%error, "reports of replicas that are gone could not be settled, it is tried again");
        }
    }
}

/// Adds what was spent to the sums of all replicas.
async fn flush_spend(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(spend::FLUSH_EVERY);
    while is_next(&mut ticks, &stop).await {
        if let Err(error) = vault.flush_spend().await {
            tracing::warn!(%error, "what was spent could not be written, it is kept in memory until it can");
        }
    }
}

/// Writes what providers state of their limits, and adopts it where that is the policy.
async fn learn(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(LEARN_EVERY);
    for number in 0_u32.. {
        if !is_next(&mut ticks, &stop).await {
            return;
        }
        let learning = Arc::clone(&vault);
        let is_whole = number % LEARN_ALL_TICKS == 0;
        let learned = round(async move {
            learning.flush_learned().await?;
            if is_whole {
                learning.adopt_learned().await?;
            }
            Ok::<_, Error>(())
        });
        if let Ok(Err(error)) = learned.await {
            tracing::warn!(%error, "limits that providers state could not be taken up, it is tried again");
        }
    }
}

/// Looks at every key and every limit, of which there may be many.
async fn survey(vault: Arc<Vault>, stop: CancellationToken) {
    let mut ticks = every(SURVEY_EVERY);
    while is_next(&mut ticks, &stop).await {
        observe::survey(&vault);
        match vault.charged().await {
            Ok(charged) => observe::limits(&charged),
            Err(error) => tracing::debug!(%error, "how full the limits are is not known"),
        }
    }
}
