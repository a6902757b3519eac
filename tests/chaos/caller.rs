//! A caller, as a process of its own. It asks for more than there is, obeys what each lease says, and reports in every way that a caller
//! may: at once, to another replica, or never. It starts some requests as late as it may.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keylease::proto::{LeaseKeyRequest, LeaseKeyResponse, Outcome};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tonic::Request;
use tonic::transport::Endpoint;

use super::clock;
use super::harness::client::{Client, of, reporting};
use super::harness::outcomes::{not_sent, success};
use super::harness::setup::{duration, span};
use super::upstream::{Sent, Upstream};

/// What it is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Where the replicas are.
    pub(crate) replicas: Vec<SocketAddr>,
    /// Where the provider is.
    pub(crate) provider: SocketAddr,
    /// The caller's token.
    pub(crate) token: String,
    /// Leases that it asks for in a second.
    pub(crate) per_second: f64,
    /// Sets it apart from the others.
    pub(crate) seed: u64,
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
    replicas: Vec<Client>,
    upstream: Upstream,
}

/// Calls until the process ends.
pub(crate) async fn call(orders: Orders) {
    let clients = orders.replicas.iter().map(|at| client(*at, &orders.token));
    let caller = Arc::new(Caller {
        replicas: clients.collect(),
        upstream: Upstream::new(orders.provider),
    });
    let room = Arc::new(Semaphore::new(CALLS_MAX));
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / orders.per_second));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for number in 0.. {
        ticks.tick().await;
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let caller = Arc::clone(&caller);
        let dice = Dice::new(orders.seed.wrapping_mul(1_000_003) + number);
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
        let issuer = dice.throw(self.replicas.len());
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
        let answer = self.replicas[issuer].ask(within(request)).await;
        let Ok(lease) = answer else { return };
        let start_within = duration(lease.start_within);
        if dice.throw(5) == 0 {
            let left = (sent + start_within).saturating_sub(clock::now() + IN_HAND);
            tokio::time::sleep(left).await;
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
        let mut dice = dice;
        let replica = match dice.throw(20) {
            0 => return,
            1..4 => dice.throw(self.replicas.len()),
            _ => issuer,
        };
        let report = reporting(lease, vec![outcome]);
        let mut client = self.replicas[replica].leases.clone();
        // A report that is lost is silence.
        let _ = client.report_outcome(within(report)).await;
    }
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_MAX);
    request
}

/// Numbers that look like chance and are the same in every run.
#[derive(Debug, Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed);
        dice.throw(1);
        dice
    }

    /// 0 to less than `sides`.
    fn throw(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}
