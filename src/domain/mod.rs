//! Floor 1: what the words mean. Pure: no async, no IO, no clock, no randomness; `now` is an argument.

pub mod account;
pub mod caller;
pub mod classify;
pub mod cooling;
pub mod disablement;
pub mod endpoint;
pub mod field;
pub mod health;
pub mod id;
pub mod key;
pub mod labels;
pub mod ledger;
pub mod limit;
pub mod models;
pub mod name;
pub mod pool;
pub mod profile;
pub mod retry_after;
pub mod time;
pub mod vitals;
