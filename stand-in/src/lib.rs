//! A provider to try KeyLease against: an HTTP server that speaks like OpenAI, enforces rolling limits per account, lets keys die, and
//! counts what arrived in a way of its own, so that the vault's promise can be checked against somebody who does not share its code.
//!
//! `config` says what it serves, `window` measures, `limiter` refuses, `account` holds the state, `reply` words the answers and
//! `server` puts them on a socket.

mod account;
mod admin;
mod config;
mod counts;
mod limiter;
mod reply;
mod server;
mod window;

pub use config::{Account, Config, ConfigError, Fault, Key, Limit};
pub use counts::{AccountCounts, Counts, KeyCounts, LimitCounts};
pub use server::{Provider, RunningProvider};
pub use window::BusiestWindow;
