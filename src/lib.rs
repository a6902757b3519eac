//! KeyLease: a gRPC key vault that leases third-party API keys within their limits, across every replica.
//!
//! The floors, lowest first; imports point down only and `tests/architecture.rs` proves it.

pub mod cli;
pub mod proto;
