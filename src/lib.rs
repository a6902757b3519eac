//! KeyLease: a gRPC key vault that leases third-party API keys within their limits, across every replica.
//!
//! The floors, lowest first; imports point down only and `tests/architecture.rs` proves it.

mod characters;
pub mod domain;

pub mod crypto;
pub mod outbound;
pub mod store;

pub mod live;

pub mod vault;

pub mod proto;
pub mod service;

pub mod app;
pub mod cli;

pub mod metric_names;
