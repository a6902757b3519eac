//! One piece of work that needs one answer from the provider: lease, call, report, follow the advice.

use std::sync::Arc;
use std::time::Duration;

use keylease::proto::outcome::Result as OutcomeResult;
use keylease::proto::{Advice, AdviceAction, NotSent};
use parking_lot::Mutex;
use tokio::time::Instant;
use tonic::Status;

use crate::clock;
use crate::tally::Tally;
use crate::upstream::{self, Answer};
use crate::vault::{Lease, Refusal, Vault};

/// Tries for one task, refusals included.
const ATTEMPTS_MAX: usize = 8;

/// An answer slower than this stood in line.
const WAITED: Duration = Duration::from_millis(100);

/// Kept free before the start must be made, since the HTTP client may have to open a connection first.
const START_MARGIN: Duration = Duration::from_millis(30);

/// Does tasks. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    vault: Vault,
    http: reqwest::Client,
    tally: Arc<Mutex<Tally>>,
}

/// What to do after an attempt.
enum Next {
    Done,
    Again {
        after: Duration,
        retry_token: String,
    },
}

impl Worker {
    pub(crate) fn new(vault: Vault, http: reqwest::Client, tally: Arc<Mutex<Tally>>) -> Self {
        Self { vault, http, tally }
    }

    /// Counts a task that found no room.
    pub(crate) fn drop_task(&self) {
        self.tally.lock().dropped += 1;
    }

    /// Does one task, unless the end comes first.
    pub(crate) async fn work(&self, end: Instant) {
        let mut token = String::new();
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(&token).await {
                Ok(Next::Done) => return,
                Ok(Next::Again { after, retry_token }) if Instant::now() + after < end => {
                    tokio::time::sleep(after).await;
                    token = retry_token;
                }
                Ok(Next::Again { .. }) => break,
                Err(what) => return note(&mut self.tally.lock(), what),
            }
        }
        self.drop_task();
    }

    async fn attempt(&self, token: &str) -> Result<Next, String> {
        let lease = match self.vault.lease(token.to_owned()).await {
            Ok(lease) => lease,
            Err(Refusal::Pause(after)) => {
                self.tally.lock().refused += 1;
                let retry_token = token.to_owned();
                return Ok(Next::Again { after, retry_token });
            }
            Err(Refusal::Fault(status)) => return Err(fault("LeaseKey", &status)),
        };
        self.count_lease(&lease);
        let request = upstream::request(&self.http, &lease.credential)
            .map_err(|error| format!("the credential is not usable: {error:#}"))?;
        let started = clock::now();
        if started + START_MARGIN >= lease.start_by {
            return self.give_back(&lease).await;
        }
        let answer = upstream::send(request).await;
        self.count_answer(&answer, !token.is_empty());
        let advice = self
            .vault
            .report(&lease, answer.result, answer.usage, started)
            .await
            .map_err(|status| fault("ReportOutcome", &status))?;
        Ok(advice.map_or(Next::Done, follow))
    }

    /// Too late to start: the permit goes back and the task begins anew.
    async fn give_back(&self, lease: &Lease) -> Result<Next, String> {
        self.tally.lock().late += 1;
        let not_sent = OutcomeResult::NotSent(NotSent {});
        self.vault
            .report(lease, not_sent, None, clock::now())
            .await
            .map_err(|status| fault("ReportOutcome", &status))?;
        Ok(Next::Again {
            after: Duration::ZERO,
            retry_token: String::new(),
        })
    }

    fn count_lease(&self, lease: &Lease) {
        let mut tally = self.tally.lock();
        tally.leases += 1;
        tally.waited += u64::from(lease.took > WAITED);
    }

    fn count_answer(&self, answer: &Answer, second: bool) {
        let mut tally = self.tally.lock();
        match &answer.result {
            OutcomeResult::Success(_) => {
                tally.succeeded += 1;
                tally.rescued += u64::from(second);
            }
            OutcomeResult::Http(http) if http.status == 401 => tally.unauthorized += 1,
            OutcomeResult::Http(http) if http.status == 429 => tally.rate_limited += 1,
            OutcomeResult::Http(http) => {
                let what = format!("the provider answered {}", http.status);
                note(&mut tally, what);
            }
            OutcomeResult::Transport(failure) => {
                let what = format!("no answer from the provider: {}", failure.detail);
                note(&mut tally, what);
            }
            OutcomeResult::NotSent(_) => {}
        }
    }
}

fn follow(advice: Advice) -> Next {
    match advice.action() {
        AdviceAction::RetryOtherKey | AdviceAction::RetrySameLater => Next::Again {
            after: advice
                .after
                .and_then(|after| after.try_into().ok())
                .unwrap_or_default(),
            retry_token: advice.retry_token,
        },
        AdviceAction::DoNotRetry | AdviceAction::Unspecified => Next::Done,
    }
}

/// Notes what must not happen.
fn note(tally: &mut Tally, what: String) {
    tally.unexpected += 1;
    tally.first_unexpected.get_or_insert(what);
}

fn fault(call: &str, status: &Status) -> String {
    format!("{call} answered {:?}: {}", status.code(), status.message())
}
