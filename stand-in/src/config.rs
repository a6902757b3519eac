//! What the stand-in serves, as JSON.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// The accounts of the provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// At least one; names and keys differ.
    pub accounts: Vec<Account>,
    /// Whoever has it may make and delete keys. Unset: nobody.
    #[serde(default)]
    pub admin_key: Option<String>,
}

/// One account: its keys share its limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Shown in counts and in messages.
    pub name: String,
    /// How many requests it may make.
    pub requests: Limit,
    /// A second limit on requests, of another window.
    #[serde(default)]
    pub burst: Option<Limit>,
    /// How many tokens, prompt and completion together, it may use.
    #[serde(default)]
    pub tokens: Option<Limit>,
    /// What it accepts.
    pub keys: Vec<Key>,
    /// How long every answer takes.
    #[serde(default)]
    pub latency_ms: u64,
}

/// At most `amount` in any `window_ms`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Units in a window, at least 1.
    pub amount: u64,
    /// Length of the rolling window in milliseconds, at least 1.
    pub window_ms: u64,
}

impl Limit {
    pub(crate) fn window(self) -> Duration {
        Duration::from_millis(self.window_ms)
    }
}

/// A key: a plain string, or an object with a fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "KeyForm")]
pub struct Key {
    /// What stands after `Bearer `.
    pub value: String,
    /// How it goes wrong by itself.
    pub fault: Option<Fault>,
}

/// How a key goes wrong by itself: from the first of the moments named on, for ever.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// After this many uses.
    #[serde(default)]
    pub after_uses: Option<u64>,
    /// This long after the start of the provider.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// What it answers then, 400 to 599. Unset: 401, a dead key.
    #[serde(default = "unauthorized")]
    pub status: u16,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum KeyForm {
    Plain(String),
    Faulty { value: String, fault: Fault },
}

impl From<KeyForm> for Key {
    fn from(form: KeyForm) -> Self {
        match form {
            KeyForm::Plain(value) => Self { value, fault: None },
            KeyForm::Faulty { value, fault } => Self {
                value,
                fault: Some(fault),
            },
        }
    }
}

fn unauthorized() -> u16 {
    401
}

impl Config {
    /// Reads a config from JSON and checks it.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let config: Self =
            serde_json::from_str(json).map_err(|error| ConfigError(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let mut names = HashSet::new();
        let mut values = HashSet::new();
        for account in &self.accounts {
            let name = &account.name;
            if !names.insert(name) {
                return refuse(format!("account {name} appears twice; name it once"));
            }
            let limits = [Some(account.requests), account.burst, account.tokens];
            for limit in limits.into_iter().flatten() {
                if limit.amount == 0 || limit.window_ms == 0 {
                    return refuse(format!("a limit of account {name} is 0; use at least 1"));
                }
            }
            for key in &account.keys {
                if !values.insert(&key.value) {
                    return refuse(format!("account {name} has a key that is taken already"));
                }
                check_fault(name, key.fault)?;
            }
        }
        Ok(())
    }
}

fn check_fault(account: &str, fault: Option<Fault>) -> Result<(), ConfigError> {
    match fault {
        Some(Fault { status, .. }) if !(400..600).contains(&status) => refuse(format!(
            "a fault of account {account} has status {status}; use 400 to 599"
        )),
        _ => Ok(()),
    }
}

fn refuse<T>(message: String) -> Result<T, ConfigError> {
    Err(ConfigError(message))
}

/// Why a config cannot be served.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn listener(error: &std::io::Error) -> Self {
        Self(format!("its listener has no address: {error}"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config of the stand-in provider: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_string_or_an_object_with_a_fault() {
        let config = Config::parse(
            r#"{"accounts": [{"name": "a", "requests": {"amount": 5, "window_ms": 1000},
                "keys": ["one", {"value": "two", "fault": {"after_uses": 3}}]}]}"#,
        )
        .expect("parses");
        let keys = &config.accounts[0].keys;
        assert!(keys[0].fault.is_none());
        assert_eq!(keys[1].fault.expect("a fault").status, 401);
    }

    #[test]
    fn a_key_cannot_belong_to_two_accounts() {
        let account = r#"{"name": "N", "requests": {"amount": 5, "window_ms": 1}, "keys": ["k"]}"#;
        let json = format!(
            r#"{{"accounts": [{}, {}]}}"#,
            account.replace('N', "a"),
            account.replace('N', "b")
        );
        let error = Config::parse(&json).expect_err("refused");
        assert!(error.to_string().contains("account b has a key"));
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let json = r#"{"accounts": [{"name": "a", "requests": {"amount": 0, "window_ms": 1}, "keys": []}]}"#;
        assert!(Config::parse(json).is_err());
    }
}
