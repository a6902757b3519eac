//! A rotator: it mints keys that its provider knows from then on, and has them forgotten.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::probed::Probed;

/// The key before any rotation.
pub(crate) const OLD: &str = "sk-Canary_Before_w3Rt7Yp";
/// The first key that a rotator mints.
pub(crate) const FIRST: &str = "sk-Canary_Minted_1_h5Nq2Vx8";

/// A rotator.
#[derive(Clone)]
pub(crate) struct Rotator {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<Minting>>,
    /// Answers wait for it while they are held up.
    go_on: Arc<Notify>,
}

/// What it does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    /// It makes secrets of two parts.
    Splits,
    /// It makes secrets, and answers a list of them.
    Lists,
    /// It answers this status, and does nothing.
    Answers(u16),
    /// It does its work, and its answers wait.
    Holds,
    /// It makes secrets, and answers 503 where one is to be revoked.
    Keeps,
    /// It makes secrets, and says of one that is to be revoked that it is none of its own.
    Disowns,
    /// It does what it is asked to make only when it is let go on.
    Dawdles,
}

struct Minting {
    mode: Mode,
    secret: Vec<u8>,
    heard: Vec<Value>,
    /// Keys that are good at the provider, by reference.
    good: HashMap<String, String>,
    /// The key of each rotation.
    of_rotation: HashMap<String, String>,
    minted: usize,
}

impl Rotator {
    /// One that works, once it is told its secret.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rotator = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(Minting {
                mode: Mode::Works,
                secret: Vec::new(),
                heard: Vec::new(),
                good: HashMap::new(),
                of_rotation: HashMap::new(),
                minted: 0,
            })),
            go_on: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(rotator.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        rotator
    }

    /// What it does from now on. Answers that waited go out.
    pub(crate) fn does(&self, mode: Mode) {
        self.state.lock().mode = mode;
        self.go_on.notify_waiters();
    }

    /// It knows this secret, as SetRotator answered it.
    pub(crate) fn knows(&self, signing_secret: &str) {
        let encoded = signing_secret.strip_prefix("whsec_").unwrap();
        self.state.lock().secret = STANDARD.decode(encoded).unwrap();
    }

    /// What was asked with a good signature, of this action.
    pub(crate) fn heard(&self, action: &str) -> Vec<Value> {
        let state = self.state.lock();
        let heard = state.heard.iter();
        heard
            .filter(|body| body["action"] == action)
            .cloned()
            .collect()
    }

    /// The next secret that it makes is the first one again.
    pub(crate) fn begins_anew(&self) {
        self.state.lock().minted = 0;
    }

    /// The keys that are good at the provider, sorted.
    pub(crate) fn good(&self) -> Vec<String> {
        let state = self.state.lock();
        let mut good: Vec<String> = state.good.values().cloned().collect();
        good.sort();
        good
    }
}

/// A cluster of so many replicas whose account has a rotator.
pub(crate) async fn with_rotator(replicas: usize) -> (Probed, Rotator) {
    let probed = Probed::start(replicas, OLD, false).await;
    let rotator = Rotator::start().await;
    probed.set_rotator(&rotator).await;
    (probed, rotator)
}

async fn answer(
    State(rotator): State<Rotator>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let (mode, said) = {
        let mut state = rotator.state.lock();
        if !is_signed(&state.secret, &headers, &body) {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        let asked: Value = serde_json::from_slice(&body).unwrap();
        state.heard.push(asked.clone());
        match state.mode {
            Mode::Answers(status) => {
                return (StatusCode::from_u16(status).unwrap(), "{}".to_owned());
            }
            Mode::Keeps if asked["action"] == "revoke" => {
                return (StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned());
            }
            Mode::Disowns if asked["action"] == "revoke" => {
                return (StatusCode::OK, json!({"revoked": false}).to_string());
            }
            Mode::Dawdles if asked["action"] == "create" => (Mode::Dawdles, asked),
            mode @ (Mode::Works
            | Mode::Splits
            | Mode::Lists
            | Mode::Keeps
            | Mode::Disowns
            | Mode::Holds
            | Mode::Dawdles) => (mode, state.done(&asked)),
        }
    };
    if mode == Mode::Dawdles && said["action"] == "create" {
        rotator.go_on.notified().await;
        let made = rotator.state.lock().done(&said);
        return (StatusCode::OK, made.to_string());
    }
    if mode == Mode::Holds {
        rotator.go_on.notified().await;
    }
    (StatusCode::OK, said.to_string())
}

impl Minting {
    /// Of one rotation one key is good: what was minted for it before, and whose answer was lost, is forgotten.
    fn done(&mut self, asked: &Value) -> Value {
        let rotation = asked["rotation"].as_str().unwrap().to_owned();
        if asked["action"] == "revoke" {
            let of_rotation = self.of_rotation.get(&rotation).cloned();
            let named = asked["revoke"]["reference"].as_str().unwrap().to_owned();
            let is_new = asked["revoke"]["version"] == asked["version"];
            let reference = if named.is_empty() && is_new {
                of_rotation.unwrap_or_default()
            } else {
                named
            };
            self.good.remove(&reference);
            return json!({});
        }
        if let Some(lost) = self.of_rotation.remove(&rotation) {
            self.good.remove(&lost);
        }
        self.minted += 1;
        let (secret, reference) = (
            format!("sk-Canary_Minted_{}_h5Nq2Vx8", self.minted),
            format!("key_{}", self.minted),
        );
        self.good.insert(reference.clone(), secret.clone());
        self.of_rotation.insert(rotation, reference.clone());
        if self.mode == Mode::Splits {
            let fields = json!({"key_id": reference, "key": secret});
            return json!({"fields": fields, "reference": reference});
        }
        if self.mode == Mode::Lists {
            return json!([secret]);
        }
        json!({"secret": secret, "reference": reference})
    }
}

/// As the README has it.
fn is_signed(secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(body);
    let wanted = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let is_new = now.abs_diff(time.parse().unwrap()) < 300;
    is_new && header("webhook-signature") == wanted
}
