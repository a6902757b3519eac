//! The provider on a socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::account::AccountState;
use crate::admin::{self, ServiceAccount};
use crate::config::{Config, ConfigError};
use crate::counts::Counts;
use crate::reply::{self, Ask};

/// The largest request body that is read.
const BODY_BYTES_MAX: usize = 1 << 20;

/// The provider, shared by all connections.
#[derive(Debug)]
pub struct Provider {
    accounts: Vec<Mutex<AccountState>>,
    /// Key value → its account and its place there.
    keys: Mutex<HashMap<String, (usize, usize)>>,
    unknown_keys: AtomicU64,
    pub(crate) admin_key: Option<String>,
    pub(crate) service_accounts: Mutex<Vec<ServiceAccount>>,
}

/// A provider that serves until it is shut down or dropped.
#[derive(Debug)]
pub struct RunningProvider {
    provider: Arc<Provider>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Provider {
    /// Serves on a listener. Needs a tokio runtime.
    pub fn start(listener: TcpListener, config: Config) -> Result<RunningProvider, ConfigError> {
        config.check()?;
        let address = listener
            .local_addr()
            .map_err(|error| ConfigError::listener(&error))?;
        let provider = Arc::new(Self::new(config));
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(Arc::clone(&provider));
        // Without it the second small write of an answer may wait for the client's delayed acknowledgement.
        let listener = listener.tap_io(|io| drop(io.set_nodelay(true)));
        let task = tokio::spawn(async move {
            let serve = axum::serve(listener, router).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            let _ = serve.await;
        });
        Ok(RunningProvider {
            provider,
            address,
            stop: Some(stop),
            task,
        })
    }

    fn new(config: Config) -> Self {
        let started = Instant::now();
        let mut keys = HashMap::new();
        let mut accounts = Vec::new();
        for (account, config) in config.accounts.into_iter().enumerate() {
            for (key, config) in config.keys.iter().enumerate() {
                keys.insert(config.value.clone(), (account, key));
            }
            accounts.push(Mutex::new(AccountState::new(config, started)));
        }
        Self {
            accounts,
            keys: Mutex::new(keys),
            unknown_keys: AtomicU64::new(0),
            admin_key: config.admin_key,
            service_accounts: Mutex::default(),
        }
    }

    fn find(&self, key: &str) -> Option<(&Mutex<AccountState>, usize)> {
        let (account, key) = *self.keys.lock().get(key)?;
        Some((&self.accounts[account], key))
    }

    /// An account accepts another key. False if there is no such account.
    pub(crate) fn accept(&self, account: &str, key: &str) -> bool {
        let place = self
            .accounts
            .iter()
            .position(|known| known.lock().is(account));
        let Some(place) = place else { return false };
        let own = self.accounts[place].lock().accept(key.to_owned());
        self.keys.lock().insert(key.to_owned(), (place, own));
        true
    }

    /// A key is known no more.
    pub(crate) fn forget(&self, key: &str) {
        self.keys.lock().remove(key);
    }

    pub(crate) fn kill(&self, key: &str) -> bool {
        self.find(key)
            .map(|(account, key)| account.lock().kill(key))
            .is_some()
    }

    fn counts(&self) -> Counts {
        let now = Instant::now();
        Counts {
            accounts: self
                .accounts
                .iter()
                .map(|account| account.lock().counts(now))
                .collect(),
            unknown_keys: self.unknown_keys.load(Ordering::Relaxed),
        }
    }
}

impl RunningProvider {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to configure as a base URL: `http://…/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it saw so far.
    pub fn counts(&self) -> Counts {
        self.provider.counts()
    }

    /// Lets a key answer 401 from now on. False if no account has it.
    pub fn kill(&self, key: &str) -> bool {
        self.provider.kill(key)
    }

    /// Stops accepting, waits for what is under way, and tells what it saw.
    pub async fn shutdown(mut self) -> Counts {
        drop(self.stop.take());
        let _ = (&mut self.task).await;
        self.provider.counts()
    }
}

impl Drop for RunningProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/models", get(models))
        .route("/counts", get(counts))
        .merge(admin::routes())
        .with_state(provider)
}

/// The time is taken twice, each time under the account's lock, so that what is measured is in order: the arrival when the headers
/// are there, the admission when the body is.
async fn chat(State(provider): State<Arc<Provider>>, request: Request) -> Response {
    let value = bearer(request.headers()).unwrap_or_default().to_owned();
    let Some((account, key)) = provider.find(&value) else {
        provider.unknown_keys.fetch_add(1, Ordering::Relaxed);
        return reply::failure(401, &value);
    };
    let arrival = {
        let mut account = account.lock();
        account.arrive(key, Instant::now())
    };
    if let Err(status) = arrival {
        return reply::failure(status, &value);
    }
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    let Some(ask) = Ask::parse(&body.unwrap_or(Bytes::new())) else {
        account.lock().fail();
        return reply::unreadable();
    };
    let (response, latency) = answer(account, key, &ask);
    tokio::time::sleep(latency).await;
    response
}

fn answer(account: &Mutex<AccountState>, key: usize, ask: &Ask) -> (Response, std::time::Duration) {
    let mut account = account.lock();
    let now = Instant::now();
    let mut response = match account.admit(key, ask.tokens(), now) {
        Ok(()) => reply::completion(ask),
        Err(denial) => reply::rate_limited(&denial, ask),
    };
    response
        .headers_mut()
        .extend(reply::limit_headers(&account, now));
    (response, account.latency)
}

async fn models(State(provider): State<Arc<Provider>>, headers: HeaderMap) -> Response {
    let value = bearer(&headers).unwrap_or_default();
    let failure = match provider.find(value) {
        Some((account, key)) => account.lock().failure(key, Instant::now()),
        None => Some(401),
    };
    failure.map_or_else(reply::models, |status| reply::failure(status, value))
}

async fn counts(State(provider): State<Arc<Provider>>) -> Json<Counts> {
    Json(provider.counts())
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}
