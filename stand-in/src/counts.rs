//! What the provider saw, as `GET /counts` answers it.

use serde::{Deserialize, Serialize};

/// What the whole provider saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Counts {
    /// In the order of the config.
    pub accounts: Vec<AccountCounts>,
    /// Requests with a key of no account, or with none.
    pub unknown_keys: u64,
}

/// What one account saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountCounts {
    /// Its name.
    pub name: String,
    /// Requests: everything that came with a key of the account counts as an arrival, refused or not.
    pub requests: LimitCounts,
    /// The same requests, in windows of the second limit, if the account has one.
    pub burst: Option<LimitCounts>,
    /// Tokens of requests that got as far as the limits, if the account has a limit of them.
    pub tokens: Option<LimitCounts>,
    /// Requests answered 200.
    pub succeeded: u64,
    /// Requests answered 429.
    pub rate_limited: u64,
    /// Requests answered 401.
    pub unauthorized: u64,
    /// Requests answered with another failure.
    pub failed: u64,
    /// Its keys, in the order of the config.
    pub keys: Vec<KeyCounts>,
}

/// What was measured of one dimension.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct LimitCounts {
    /// The limit.
    pub amount: u64,
    /// Length of the window, in milliseconds.
    pub window_ms: u64,
    /// Units that arrived.
    pub arrived: u64,
    /// The most that arrived in any window; never taken from the limiter.
    pub busiest_window: u64,
    /// False if arrivals had to be forgotten too soon: `busiest_window` is a lower bound then.
    pub exact: bool,
}

/// What one key saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyCounts {
    /// The key, as in the config.
    pub key: String,
    /// Requests that came with it.
    pub arrived: u64,
    /// Those answered 200.
    pub succeeded: u64,
    /// It answers with a failure from now on.
    pub dead: bool,
}

impl Counts {
    /// An account by its name.
    pub fn account(&self, name: &str) -> Option<&AccountCounts> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// A key by its value.
    pub fn key(&self, value: &str) -> Option<&KeyCounts> {
        self.accounts
            .iter()
            .flat_map(|account| &account.keys)
            .find(|key| key.key == value)
    }

    /// Requests answered 429, over all accounts.
    pub fn rate_limited(&self) -> u64 {
        self.accounts
            .iter()
            .map(|account| account.rate_limited)
            .sum()
    }
}
