//! What an import will store, or what is wrong with its file.

use std::fmt;

use super::BaseUrl;
use crate::cli::secret::SecretText;

/// How to read a file.
#[derive(Clone, Debug, Default)]
pub(in crate::cli::import) struct Options {
    pub(in crate::cli::import) account_per_key: bool,
    pub(in crate::cli::import) allow_http: bool,
    /// Accounts to import; empty for all.
    pub(in crate::cli::import) only: Vec<String>,
}

/// What will be stored.
#[derive(Debug, Default)]
pub(in crate::cli::import) struct Plan {
    pub(in crate::cli::import) accounts: Vec<PlannedAccount>,
    pub(in crate::cli::import) pools: Vec<PlannedPool>,
    pub(in crate::cli::import) policy: Policy,
    /// What a person should know.
    pub(in crate::cli::import) notes: Vec<String>,
    /// Variables that mean nothing here.
    pub(in crate::cli::import) ignored: Vec<String>,
    /// Variables that look like keys and are not named like keys: lost if the file is deleted.
    pub(in crate::cli::import) keys_unread: Vec<String>,
    /// Keys of accounts that were not asked for.
    pub(in crate::cli::import) keys_unasked: Vec<String>,
}

/// An account, with its keys.
#[derive(Debug)]
pub(in crate::cli::import) struct PlannedAccount {
    pub(in crate::cli::import) id: String,
    pub(in crate::cli::import) profile: &'static str,
    pub(in crate::cli::import) base_url: Option<BaseUrl>,
    /// The line and the variable that its base URL stands in.
    pub(in crate::cli::import) base_url_at: Option<(usize, String)>,
    pub(in crate::cli::import) keys: Vec<PlannedKey>,
}

/// A key, and the line and variable it stands in.
#[derive(Debug)]
pub(in crate::cli::import) struct PlannedKey {
    pub(in crate::cli::import) id: String,
    pub(in crate::cli::import) line: usize,
    pub(in crate::cli::import) variable: String,
    pub(in crate::cli::import) secret: SecretText,
}

/// A pool: targets and tiers.
#[derive(Debug)]
pub(in crate::cli::import) struct PlannedPool {
    pub(in crate::cli::import) id: String,
    pub(in crate::cli::import) members: Vec<(String, i32)>,
}

/// What holds for every account or pool of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli::import) struct Policy {
    pub(in crate::cli::import) rotation_hours: Option<i64>,
    pub(in crate::cli::import) probe: Option<bool>,
    pub(in crate::cli::import) requests_per_minute: Option<i64>,
}

/// Something wrong on a line; line 0 is the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::import) struct Problem {
    pub(in crate::cli::import) line: usize,
    pub(in crate::cli::import) message: String,
}

impl Problem {
    pub(in crate::cli::import) fn at(line: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { line, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}: {}", self.message),
        }
    }
}
