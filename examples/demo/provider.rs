//! The other side: the stand-in provider, which counts for itself what arrives.

use anyhow::Context;
use keylease::proto::PoolStatus;
use stand_in::{Account, Config, Counts, Key, Limit, Provider, RunningProvider};
use tokio::net::TcpListener;

use crate::env_file;

/// The provider's second limit. One per minute cannot refill within a demo of seconds; this one does, so the pressure lasts.
pub(crate) const BURST: Limit = Limit {
    amount: 100,
    window_ms: 5_000,
};

/// What the rotated key becomes. The provider accepts it from the start, as it would a key that was made there a moment ago.
pub(crate) const ROTATED_SECRET: &str = "sk-demo-rotated-Mn7Bv2kPq8Xs";

/// Which secrets each key of the vault has had: this is how the provider's counts and the vault's are set side by side.
#[derive(Debug, Clone)]
pub(crate) struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// As they were imported: the status names keys in the order of the file.
    pub(crate) fn imported(status: &PoolStatus) -> Self {
        let names = status.keys.iter().map(|key| key.key.clone());
        Self(names.zip(env_file::keys()).collect())
    }

    /// A key has one more.
    pub(crate) fn add(&mut self, key: &str, secret: &str) {
        self.0.push((key.to_owned(), secret.to_owned()));
    }

    /// The secret that a key was imported with.
    pub(crate) fn first(&self, key: &str) -> Option<&str> {
        self.of(key).next()
    }

    /// Requests that arrived at the provider with any secret of a key.
    pub(crate) fn arrived(&self, key: &str, counts: &Counts) -> u64 {
        self.of(key)
            .filter_map(|secret| counts.key(secret))
            .map(|seen| seen.arrived)
            .sum()
    }

    fn of(&self, key: &str) -> impl Iterator<Item = &str> {
        let of_key = self.0.iter().filter(move |(name, _)| name == key);
        of_key.map(|(_, secret)| secret.as_str())
    }
}

/// The account, as the provider calls it.
const ACCOUNT: &str = "openai";

/// How long the provider thinks.
const LATENCY_MS: u64 = 60;

/// Starts the stand-in on a free port.
pub(crate) async fn start() -> anyhow::Result<RunningProvider> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("no free port for the stand-in provider")?;
    let mut values = env_file::keys();
    values.push(ROTATED_SECRET.to_owned());
    let account = Account {
        name: ACCOUNT.to_owned(),
        requests: Limit {
            amount: env_file::requests_per_minute()?,
            window_ms: 60_000,
        },
        burst: Some(BURST),
        tokens: None,
        keys: values
            .into_iter()
            .map(|value| Key { value, fault: None })
            .collect(),
        latency_ms: LATENCY_MS,
    };
    let config = Config {
        admin_key: None,
        accounts: vec![account],
    };
    Ok(Provider::start(listener, config)?)
}
