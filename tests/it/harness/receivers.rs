//! Receivers of alerts: real HTTP servers that stand where a webhook, Slack and Telegram do.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::cluster::eventually_some;
use super::postgres::new_folder;

/// What a receiver does with a message.
#[derive(Clone)]
pub(crate) enum Mode {
    /// Answers with this status.
    Answers(u16),
    /// Answers 200, with ten megabytes.
    Floods,
    /// Sends whoever asks to this URL.
    Redirects(&'static str),
    /// Never answers.
    Hangs,
}

/// A message that came.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A server that takes whatever is posted to it.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    mode: Arc<Mutex<Mode>>,
    serving: Option<JoinHandle<()>>,
}

/// A receiver of each kind, and the files that say where they are.
pub(crate) struct Receivers {
    pub(crate) webhook: Receiver,
    pub(crate) slack: Receiver,
    pub(crate) telegram: Receiver,
    folder: PathBuf,
}

/// What webhooks are signed with.
pub(crate) const SIGNING_SECRET: &str = "canary-signing-secret-Qx7Lm2Vb9";
/// What is secret of the URL of each receiver.
pub(crate) const WEBHOOK_PATH: &str = "canary-webhook-Zt4Wk8Rj1";
pub(crate) const SLACK_PATH: &str = "canary-slack-Hn6Pd3Fs5";
pub(crate) const BOT_TOKEN: &str = "123456:canary-telegram-Bc9Gv2Xy7";

impl Heard {
    /// Its body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A header that it must have.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Receiver {
    /// A place where nobody listens yet.
    pub(crate) async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
            mode: Arc::new(Mutex::new(Mode::Answers(200))),
            serving: None,
        }
    }

    /// Listens from now on.
    pub(crate) async fn open(&mut self) {
        // Meanwhile a connection of another test may have been given the port, for a moment.
        let bound = async || TcpListener::bind(self.address).await.ok();
        let listener = eventually_some("the port is free again", bound).await;
        let (heard, mode) = (Arc::clone(&self.heard), Arc::clone(&self.mode));
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let path = uri.path().to_owned();
            heard.lock().push(Heard {
                path,
                headers,
                body,
            });
            let mode = mode.lock().clone();
            answer(mode).await
        };
        let router = Router::new().fallback(take);
        self.serving = Some(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
    }

    /// What it does from now on.
    pub(crate) fn does(&self, mode: Mode) {
        *self.mode.lock() = mode;
    }

    /// Everything that came.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().clone()
    }

    /// Waits for so many messages, and answers them.
    pub(crate) async fn hears(&self, count: usize) -> Vec<Heard> {
        let what = format!("{count} messages");
        eventually_some(&what, async || {
            let heard = self.heard();
            (heard.len() >= count).then_some(heard)
        })
        .await
    }
}

async fn answer(mode: Mode) -> Response<Body> {
    let builder = Response::builder();
    match mode {
        Mode::Answers(status) => builder.status(status).body(Body::from("{\"ok\":true}")),
        Mode::Floods => builder.body(Body::from(vec![b'x'; 10 * 1024 * 1024])),
        Mode::Redirects(url) => builder
            .status(307)
            .header("location", url)
            .body(Body::empty()),
        Mode::Hangs => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            builder.body(Body::empty())
        }
    }
    .unwrap()
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl Receivers {
    /// Nobody listens yet.
    pub(crate) async fn closed() -> Self {
        let folder = new_folder();
        fs::create_dir(&folder).unwrap();
        let receivers = Self {
            webhook: Receiver::closed().await,
            slack: Receiver::closed().await,
            telegram: Receiver::closed().await,
            folder,
        };
        let webhook = format!("http://{}/{WEBHOOK_PATH}", receivers.webhook.address);
        let slack = format!("http://{}/services/{SLACK_PATH}", receivers.slack.address);
        for (name, line) in [
            ("webhook", &*webhook),
            ("signing", SIGNING_SECRET),
            ("slack", &slack),
            ("telegram", BOT_TOKEN),
        ] {
            let mut options = fs::OpenOptions::new();
            let file = options.create_new(true).write(true).mode(0o600);
            let mut file = file.open(receivers.folder.join(name)).unwrap();
            writeln!(file, "{line}").unwrap();
        }
        receivers
    }

    /// All of them listen.
    pub(crate) async fn open() -> Self {
        let mut receivers = Self::closed().await;
        receivers.listen().await;
        receivers
    }

    /// All of them listen from now on.
    pub(crate) async fn listen(&mut self) {
        self.webhook.open().await;
        self.slack.open().await;
        self.telegram.open().await;
    }

    /// All of them.
    pub(crate) fn each(&self) -> [&Receiver; 3] {
        [&self.webhook, &self.slack, &self.telegram]
    }

    /// The variables of a replica that sends to them.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        let telegram = format!("http://{}/api", self.telegram.address);
        vec![
            ("KEYLEASE_ALERT_WEBHOOK_URL_FILE", file("webhook")),
            ("KEYLEASE_ALERT_WEBHOOK_SECRET_FILE", file("signing")),
            ("KEYLEASE_ALERT_SLACK_URL_FILE", file("slack")),
            ("KEYLEASE_ALERT_TELEGRAM_TOKEN_FILE", file("telegram")),
            ("KEYLEASE_ALERT_TELEGRAM_CHAT", "-1001".to_owned()),
            ("KEYLEASE_ALERT_TELEGRAM_URL", telegram),
            ("KEYLEASE_ALERT_RESOLVE_AFTER", "15s".to_owned()),
            ("KEYLEASE_INSECURE_HTTP_ALERTS", "true".to_owned()),
        ]
    }

    /// What nothing that the process emits may hold.
    pub(crate) fn secrets() -> Vec<String> {
        let secrets = [SIGNING_SECRET, WEBHOOK_PATH, SLACK_PATH, BOT_TOKEN];
        secrets.map(str::to_owned).to_vec()
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}
