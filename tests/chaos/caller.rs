//! A caller, as a process of its own. It asks for more than there is, obeys what each lease says, and has habits. What it asks for and
//! what it is refused it says, a line of JSON each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse, Outcome};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use super::children::say;
use super::clock;
use super::harness::client::{Client, of, reporting};
use super::harness::outcomes::{not_sent, success};
use super::harness::setup::{duration, span};
use super::upstream::{Sent, Upstream};

mod habits;

use habits::Dice;
pub(crate) use habits::{Habits, Manners};

/// What it is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Where the replicas are.
    pub(crate) replicas: Vec<SocketAddr>,
    /// Where the provider is.
    pub(crate) provider: SocketAddr,
    /// The caller's token.
    pub(crate) token: String,
    /// Leases that it asks for in a second, on average.
    pub(crate) per_second: f64,
    /// How it behaves.
    pub(crate) habits: Habits,
    /// Sets it apart from the others.
    pub(crate) seed: u64,
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// It asks for a lease.
    Asked(Call),
    /// There was none.
    Refused,
    /// It got no answer.
    Failed,
}

/// A call as it was sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Call {
    /// When.
    pub(crate) at: Duration,
    /// To which replica.
    pub(crate) replica: usize,
    /// How long it may stand in line there.
    pub(crate) wait: Duration,
}

/// The pool that is leased from.
pub(crate) const POOL: &str = "p";

/// Calls at once; more would only pile up behind a replica that is stopped.
const CALLS_MAX: usize = 500;
/// The deadline of every call.
const CALL_MAX: Duration = Duration::from_secs(3);
/// Some calls stand in line for this long.
const WAIT_MAX: Duration = Duration::from_millis(700);
/// What a late start keeps in hand, since a sleep ends late.
const IN_HAND: Duration = Duration::from_millis(4);

struct Caller {
    orders: Orders,
    replicas: Vec<Client>,
    upstream: Upstream,
}

/// Calls until the process ends.
pub(crate) async fn call(orders: Orders) {
    let clients = orders.replicas.iter().map(|at| client(*at, &orders.token));
    let caller = Arc::new(Caller {
        replicas: clients.collect(),
        upstream: Upstream::new(orders.provider),
        orders,
    });
    let room = Arc::new(Semaphore::new(CALLS_MAX));
    let mut next = Instant::now();
    for number in 0.. {
        sleep_until(next).await;
        // Calls that it was too late for are not made up for.
        next = Instant::now().max(next + caller.orders.gap());
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let caller = Arc::clone(&caller);
        let dice = Dice::new(caller.orders.seed.wrapping_mul(1_000_003) + number);
        tokio::spawn(async move {
            caller.attempt(dice).await;
            drop(place);
        });
    }
}

fn client(replica: SocketAddr, token: &str) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{replica}")).unwrap();
    Client::over(endpoint.connect_timeout(CALL_MAX).connect_lazy(), token)
}

impl Caller {
    /// Leases, starts if it may, and reports. Whatever fails is silence.
    async fn attempt(&self, mut dice: Dice) {
        let issuer = self.orders.replica(&mut dice);
        let wait = if dice.throw(4) == 0 {
            WAIT_MAX
        } else {
            Duration::ZERO
        };
        let request = LeaseKeyRequest {
            max_wait: Some(span(wait)),
            ..of(POOL)
        };
        let sent = clock::now();
        tell(&Said::Asked(Call {
            at: sent,
            replica: issuer,
            wait,
        }));
        let lease = match self.replicas[issuer].ask(within(request)).await {
            Ok(lease) => lease,
            Err(status) if status.code() == Code::ResourceExhausted => return tell(&Said::Refused),
            Err(_) => return tell(&Said::Failed),
        };
        let start_within = duration(lease.start_within);
        if self.orders.habits.starts_late(&mut dice) {
            let left = (sent + start_within).saturating_sub(clock::now() + IN_HAND);
            sleep(left).await;
        }
        let credential = lease.credential.as_ref().unwrap();
        let upstream = self.upstream.send(credential, sent + start_within).await;
        let outcome = match upstream {
            Sent::Answered(started) => Outcome {
                started_after: Some(span(started - sent)),
                ..success()
            },
            Sent::Late => not_sent(),
            Sent::Lost => return,
        };
        self.report(&lease, outcome, issuer, dice).await;
    }

    async fn report(&self, lease: &LeaseKeyResponse, outcome: Outcome, issuer: usize, dice: Dice) {
        let Some(replica) = self.orders.reports_to(issuer, dice) else {
            return;
        };
        let report = reporting(lease, vec![outcome]);
        let mut client = self.replicas[replica].leases.clone();
        // A report that is lost is silence.
        let _ = client.report_outcome(within(report)).await;
    }
}

fn tell(said: &Said) {
    say(&serde_json::to_string(said).unwrap());
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_MAX);
    request
}
