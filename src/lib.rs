//! KeyLease: a gRPC key vault that leases third-party API keys within their limits, across every replica.
//!
//! The floors, lowest first; imports point down only and `tests/architecture.rs` proves it.

pub mod app;
pub mod crypto;
pub mod domain;
pub mod metric_names;
pub mod proto;
