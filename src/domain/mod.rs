//! Floor 1: what the words mean. Pure: no async, no IO, no clock, no randomness; `now` is an argument.

pub mod account;
pub mod caller;
pub mod caller_draft;
pub mod disablement;
pub mod endpoint;
pub mod field;
pub mod filter;
pub mod health;
pub mod id;
pub mod key;
pub mod labels;
pub mod limit;
pub mod limit_draft;
pub mod models;
pub mod name;
pub mod pool;
pub mod pool_draft;
pub mod profile;
pub mod rotation;
pub mod status;
pub mod time;
