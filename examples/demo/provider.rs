//! The other side: the stand-in provider, which counts for itself what arrives.

use anyhow::Context;
use stand_in::{Account, Config, Key, Limit, Provider, RunningProvider};
use tokio::net::TcpListener;

use crate::env_file;

/// The provider's second limit. One per minute cannot refill within a demo of seconds; this one does, so the pressure lasts.
pub(crate) const BURST: Limit = Limit {
    amount: 100,
    window_ms: 5_000,
};

/// What the rotated key becomes. The provider accepts it from the start, as it would a key that was made there a moment ago.
pub(crate) const ROTATED_SECRET: &str = "sk-demo-rotated-Mn7Bv2kPq8Xs";

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
        accounts: vec![account],
    };
    Ok(Provider::start(listener, config)?)
}
