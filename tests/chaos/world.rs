//! The world of one run: Postgres, replicas, a provider, and callers, all of them processes, with a proxy before each server.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keylease::domain::terms::{Span, Terms, Timing};
use keylease::proto;
use parking_lot::Mutex;
use tokio::time::sleep;
use uuid::Uuid;

use super::arrivals::{Allowed, Arrival};
use super::caller::{self, Habits, POOL};
use super::children::Process;
use super::clock;
use super::harness::process::keylease;
use super::harness::proxy::Proxy;
use super::harness::replica::Replica;
use super::harness::setup::requests;
use super::postgres::Server;

mod fleet;
mod outside;

use fleet::run;
pub(crate) use outside::Asked;
use outside::{CALLERS, KEY, start_caller, start_provider};

/// What there is, and what is asked of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// N.
    pub(crate) amount: u64,
    /// W.
    pub(crate) window: Duration,
    /// Calls in a second.
    pub(crate) calls: u64,
    /// How they come.
    pub(crate) habits: Habits,
    /// How long the provider works on an answer.
    pub(crate) latency: Duration,
    /// So many replicas.
    pub(crate) replicas: usize,
    /// What the replicas are told that a failover may lose.
    pub(crate) loss_max: &'static str,
}

/// Beyond the charge time: what a busy machine needs to notice that a fault is over, and to connect again.
const RECOVERY: Duration = Duration::from_secs(15);
/// Limits of longer windows are not waited for: they go on, or they do not.
const WINDOW_WAITED_MAX: Duration = Duration::from_mins(2);

/// One run's world. What is named first ends first.
pub(crate) struct World {
    pub(crate) callers: Vec<Process>,
    /// `None` while it is down.
    pub(crate) replicas: Vec<Option<Replica>>,
    /// Before the replicas, so that callers find each of them again after a restart.
    gates: Vec<Proxy>,
    _provider: Process,
    /// Between the replicas and Postgres.
    pub(crate) link: Proxy,
    pub(crate) postgres: Server,
    pub(crate) folder: Folder,
    pub(crate) setup: Setup,
    orders: caller::Orders,
    /// When the callers began.
    pub(crate) began: Duration,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    asked: Arc<Mutex<Asked>>,
    admin_token: String,
    /// What the limit was, from when on.
    pub(crate) allowed: Vec<Allowed>,
}

/// Where everything of one run is kept, until it ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

impl World {
    /// Sets everything up; nobody calls yet.
    pub(crate) async fn start(setup: Setup) -> Self {
        let name = format!("keylease-chaos-{}", Uuid::new_v4().simple());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).unwrap();
        let postgres = Server::start(folder.0.join("postgres")).await;
        let (provider, address, arrivals) = start_provider(setup.latency);
        let mut world = Self {
            callers: Vec::new(),
            replicas: (0..setup.replicas).map(|_| None).collect(),
            gates: Vec::new(),
            _provider: provider,
            link: Proxy::to(postgres.target()).await,
            postgres,
            folder,
            setup,
            orders: caller::Orders {
                replicas: Vec::new(),
                provider: address.parse().unwrap(),
                token: String::new(),
                per_second: setup.calls as f64 / CALLERS as f64,
                habits: setup.habits,
                seed: 0,
            },
            began: Duration::ZERO,
            arrivals,
            asked: Arc::default(),
            admin_token: String::new(),
            allowed: vec![Allowed {
                from: Duration::ZERO,
                amount: setup.amount,
            }],
        };
        world.open().await;
        world
    }

    async fn open(&mut self) {
        let file = self.master_key();
        run(keylease(&["master-key", "generate", "--out", &file]));
        run(self.command("migrate"));
        self.admin_token = run(self.command("bootstrap")).trim().to_owned();
        self.start_replicas().await;
        let admin = self.admin().await;
        admin.create_account("a", "").await;
        admin.create_key("a", "k", KEY).await;
        admin.create_limit("a", self.limit()).await;
        admin.create_pool(POOL, &["a"]).await;
        self.orders.token = admin.create_lessee("app", "*").await;
        self.orders.replicas = self.gates.iter().map(|gate| gate.address).collect();
        self.settled().await;
    }

    /// The limit as it was created.
    pub(crate) fn limit(&self) -> proto::Limit {
        requests(self.setup.amount.cast_signed(), self.setup.window)
    }

    /// W, D, L and so on.
    pub(crate) fn terms(&self) -> Terms {
        let timing = Timing {
            span: Span::Rolling(self.setup.window),
            validity: None,
            start_within: None,
            blackout: None,
        };
        timing.terms()
    }

    /// Lets the callers begin.
    pub(crate) fn begin(&mut self) {
        self.began = clock::now();
        for seed in 1..=CALLERS {
            let orders = caller::Orders {
                seed,
                ..self.orders.clone()
            };
            self.callers.push(start_caller(&orders, &self.asked));
        }
    }

    /// Lets the callers begin, and waits until the load is steady.
    pub(crate) async fn warm_up(&mut self) {
        self.begin();
        sleep(self.setup.window + Duration::from_secs(1)).await;
    }

    /// Waits until so much has started after `since`, and says how long after `since` that was.
    pub(crate) async fn back(&self, since: Duration, starts: u64) -> Result<Duration, String> {
        let last = usize::try_from(starts).unwrap() - 1;
        self.until("service is back", || {
            let started = self.started(since);
            started.get(last).map(|at| *at - since)
        })
        .await
    }

    /// Waits for what must come within the time in which service must be back after any fault.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        look: impl Fn() -> Option<T>,
    ) -> Result<T, String> {
        let within = self.terms().charge_time().min(WINDOW_WAITED_MAX) + RECOVERY;
        let deadline = clock::now() + within;
        loop {
            if let Some(seen) = look() {
                return Ok(seen);
            }
            if clock::now() > deadline {
                return Err(format!("not within {within:.0?}: {what}"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// When requests were started, from some moment on.
    pub(crate) fn started(&self, since: Duration) -> Vec<Duration> {
        let mut started: Vec<_> = self.arrivals().iter().map(|a| a.started).collect();
        started.retain(|started| *started >= since);
        started.sort_unstable();
        started
    }

    /// What has arrived so far.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().clone()
    }

    /// What has been asked for so far.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().clone()
    }
}
